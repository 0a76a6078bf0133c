#include "system/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <memory>
#include <system_error>

#include "system/recording.h"

namespace fettle::system {
namespace {

constexpr mode_t permission_bits = 07777;

// "/a/b" as openat2 wants it below a directory descriptor: never empty.
std::string below(std::string_view path) {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  return path.empty() ? "." : std::string(path);
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t done = ::write(fd, content.data(), content.size());
    if (done < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    content.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

bool owner_differs(const Info& info, Owner owner) {
  return (owner.uid && *owner.uid != info.uid) || (owner.gid && *owner.gid != info.gid);
}

bool give_to(int fd, Owner owner) {
  if (!owner.uid && !owner.gid) return true;
  return ::fchown(fd, owner.uid.value_or(static_cast<uid_t>(-1)),
                  owner.gid.value_or(static_cast<gid_t>(-1))) == 0;
}

}  // namespace

Info info_of(const struct stat& st) {
  Info info;
  info.kind = S_ISREG(st.st_mode)   ? Kind::file
              : S_ISDIR(st.st_mode) ? Kind::directory
              : S_ISLNK(st.st_mode) ? Kind::link
              : S_ISBLK(st.st_mode) ? Kind::block_device
                                    : Kind::other;
  info.mode = st.st_mode & permission_bits;
  info.uid = st.st_uid;
  info.gid = st.st_gid;
  info.size = {static_cast<std::uint64_t>(st.st_size)};
  info.device = st.st_dev;
  info.node = st.st_rdev;
  info.inode = st.st_ino;
  info.modified =
      std::chrono::system_clock::time_point(std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::seconds(st.st_mtim.tv_sec) + std::chrono::nanoseconds(st.st_mtim.tv_nsec)));
  return info;
}

Result<Info> look_at(const Fd& fd, std::string_view path) {
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return fail(cannot("look at", path, errno));
  return info_of(st);
}

Result<Files> Files::open(const std::string& root) {
  std::error_code err;
  const std::string absolute = std::filesystem::canonical(root, err).string();
  if (err) return fail(cannot("open the root directory", root, err.value()));
  Fd fd(::open(absolute.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(cannot("open the root directory", root, errno));
  return Files(std::move(fd), absolute);
}

int Files::open_inside(std::string_view path, int flags, mode_t mode) const {
  open_how how{};
  how.flags = static_cast<__u64>(static_cast<unsigned>(flags) | static_cast<unsigned>(O_CLOEXEC));
  how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  if (links_ == LinksOnTheWay::refused) how.resolve |= RESOLVE_NO_SYMLINKS;
  const std::string name = below(path);
  // EAGAIN: a rename raced with the walk; the manual asks for another try.
  for (int tries = 0;; ++tries) {
    const long fd = ::syscall(SYS_openat2, fd_.get(), name.c_str(), &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN || tries == 16) return static_cast<int>(fd);
  }
}

Result<Info> Files::look_with(std::string_view path, int extra_flags) const {
  const Fd fd(open_inside(path, O_PATH | extra_flags, 0));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) return fail(cannot("look at", path, errno));
  return info_of(st);
}

Result<Files> Files::without_links() const {
  Fd same(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!same) return fail(cannot("open", root_, errno));
  Files files(std::move(same), root_);
  files.links_ = LinksOnTheWay::refused;
  return files;
}

Result<Fd> Files::open_at(std::string_view path, int flags, mode_t mode) const {
  if (Touched* const touched = Recording::note(path)) touched->opened = true;
  Fd fd(open_inside(path, flags, mode));
  if (!fd) return fail(cannot("open", path, errno));
  return fd;
}

Result<std::string> Files::read(std::string_view path, Bytes limit) const {
  if (Touched* const touched = Recording::note(path)) touched->content = true;
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const Fd fd(open_inside(path, O_RDONLY | O_NONBLOCK, 0));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) return fail(cannot("read", path, errno));
  if (!S_ISREG(st.st_mode)) {
    return fail(Why::malformed, "cannot read '" + std::string(path) + "': it is not a regular file");
  }
  std::string text;
  const auto known = static_cast<std::size_t>(st.st_size);
  // sysfs claims 4096 and gives less, procfs claims 0: the size is only a first guess.
  text.resize(std::min<std::size_t>(std::max<std::size_t>(known + 1, 4096), limit.count + 1));
  std::size_t used = 0;
  while (true) {
    if (used == text.size()) {
      if (used > limit.count) {
        return fail(Why::malformed,
                    "cannot read '" + std::string(path) + "': it is larger than " + to_text(limit));
      }
      text.resize(std::min<std::size_t>(text.size() * 2, limit.count + 1));
    }
    const ssize_t got = ::read(fd.get(), text.data() + used, text.size() - used);
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail(cannot("read", path, errno));
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  if (used > limit.count) {
    return fail(Why::malformed,
                "cannot read '" + std::string(path) + "': it is larger than " + to_text(limit));
  }
  text.resize(used);
  return text;
}

Result<std::vector<std::string>> Files::list(std::string_view path) const {
  if (Touched* const touched = Recording::note(path)) touched->names = true;
  Fd fd(open_inside(path, O_RDONLY | O_DIRECTORY, 0));
  if (!fd) return fail(cannot("list", path, errno));
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd.get()), &::closedir);
  if (!directory) return fail(cannot("list", path, errno));
  fd.release();  // closedir closes it
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr) {
      if (errno != 0) return fail(cannot("list", path, errno));
      break;
    }
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> Files::read_link(std::string_view path) const {
  if (Touched* const touched = Recording::note(path)) touched->itself = true;
  const Fd fd(open_inside(path, O_PATH | O_NOFOLLOW, 0));
  if (!fd) return fail(cannot("read the link", path, errno));
  std::string target(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(fd.get(), "", target.data(), target.size());
  // An O_PATH descriptor of something else than a link answers ENOENT.
  if (length < 0) return fail(cannot("read the link", path, errno == ENOENT ? EINVAL : errno));
  target.resize(static_cast<std::size_t>(length));
  return target;
}

Result<Info> Files::look(std::string_view path) const {
  if (Touched* const touched = Recording::note(path)) touched->itself = true;
  return look_with(path, O_NOFOLLOW);
}

Result<Info> Files::look_through(std::string_view path) const {
  Recording::note(path);
  return look_with(path, 0);
}

Result<bool> Files::exists(std::string_view path) const {
  const auto info = look(path);
  if (info) return true;
  if (info.error().why == Why::missing) return false;
  return fail(info.error());
}

Result<Space> Files::space(std::string_view path) const {
  const Fd fd(open_inside(path, O_RDONLY | O_DIRECTORY, 0));
  struct statvfs st {};
  if (!fd || ::fstatvfs(fd.get(), &st) != 0) return fail(cannot("measure the space of", path, errno));
  return Space{{st.f_blocks * st.f_frsize}, {st.f_bavail * st.f_frsize}, st.f_favail};
}

Result<void> Files::make_parents(std::string_view path) const {
  const auto slash = path.find_last_of('/');
  if (slash == std::string_view::npos || slash == 0) return {};
  const std::string_view parent = path.substr(0, slash);
  const Fd there(open_inside(parent, O_PATH | O_DIRECTORY, 0));
  if (there) return {};
  if (errno != ENOENT) return fail(cannot("make the directory", parent, errno));
  const auto made = make_directory(parent, 0755);
  if (!made) return fail(made.error());
  return {};
}

Result<Fd> Files::open_parent(std::string_view path, std::string& name) const {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.find_last_of('/');
  const std::string_view parent =
      slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") {
    return fail(Why::malformed, "cannot use '" + std::string(path) + "' as a name of a file");
  }
  Fd fd(open_inside(parent, O_RDONLY | O_DIRECTORY, 0));
  if (!fd) return fail(cannot("open the directory of", path, errno));
  return fd;
}

Result<Outcome> Files::write(std::string_view path, std::string_view content, mode_t mode,
                             Owner owner) const {
  if (const auto info = look(path); info && info->kind == Kind::file && info->mode == mode &&
                                    !owner_differs(*info, owner) && info->size.count == content.size()) {
    const auto now = read(path, {content.size()});
    if (now && *now == content) return Outcome::already_so;
  }
  if (const auto parents = make_parents(path); !parents) return fail(parents.error());
  std::string name;
  const auto parent = open_parent(path, name);
  if (!parent) return fail(parent.error());
  // The process id keeps two writers apart; a leftover of a killed writer is replaced.
  const std::string temporary = "." + name + "." + std::to_string(::getpid()) + ".new";
  ::unlinkat(parent->get(), temporary.c_str(), 0);
  const Fd fd(
      ::openat(parent->get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  const bool written = fd && write_all(fd.get(), content) && give_to(fd.get(), owner) &&
                       ::fchmod(fd.get(), mode) == 0 && ::fsync(fd.get()) == 0 &&
                       ::renameat(parent->get(), temporary.c_str(), parent->get(), name.c_str()) == 0;
  if (!written) {
    const int err = errno;
    ::unlinkat(parent->get(), temporary.c_str(), 0);
    return fail(cannot("write", path, err));
  }
  if (::fsync(parent->get()) != 0) return fail(cannot("write", path, errno));
  return Outcome::changed;
}

Result<Outcome> Files::make_directory(std::string_view path, mode_t mode, Owner owner) const {
  if (const auto parents = make_parents(path); !parents) return fail(parents.error());
  std::string name;
  const auto parent = open_parent(path, name);
  if (!parent) return fail(parent.error());
  Outcome outcome = Outcome::already_so;
  // Made closed and opened up below, so that nobody sees it with the wrong owner and a wide mode.
  if (::mkdirat(parent->get(), name.c_str(), 0700) == 0) {
    outcome = Outcome::changed;
  } else if (errno != EEXIST) {
    return fail(cannot("make the directory", path, errno));
  }
  const Fd fd(::openat(parent->get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) {
    return fail(cannot("make the directory", path, errno == ELOOP ? EEXIST : errno,
                       "something else lies in its place: move it away"));
  }
  const Info info = info_of(st);
  if (owner_differs(info, owner)) {
    if (!give_to(fd.get(), owner)) return fail(cannot("set the owner of", path, errno));
    outcome = Outcome::changed;
  }
  if (info.mode != mode || outcome == Outcome::changed) {
    if (::fchmod(fd.get(), mode) != 0) return fail(cannot("set the mode of", path, errno));
    outcome = Outcome::changed;
  }
  if (outcome == Outcome::changed && ::fsync(parent->get()) != 0) {
    return fail(cannot("make the directory", path, errno));
  }
  return outcome;
}

Result<Outcome> Files::set_mode(std::string_view path, mode_t mode) const {
  const auto info = look(path);
  if (!info) return fail(info.error());
  if (info->kind != Kind::file && info->kind != Kind::directory)
    return fail(cannot("set the mode of", path, EINVAL));
  if (info->mode == mode) return Outcome::already_so;
  const auto fd = open_at(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return fail(fd.error());
  if (::fchmod(fd->get(), mode) != 0) return fail(cannot("set the mode of", path, errno));
  return Outcome::changed;
}

Result<Outcome> Files::set_link(std::string_view path, std::string_view target) const {
  const auto info = look(path);
  if (info && info->kind != Kind::link) {
    return fail(cannot("make the link", path, EEXIST, "something else lies in its place: move it away"));
  }
  if (info) {
    const auto now = read_link(path);
    if (now && *now == target) return Outcome::already_so;
  }
  if (const auto parents = make_parents(path); !parents) return fail(parents.error());
  std::string name;
  const auto parent = open_parent(path, name);
  if (!parent) return fail(parent.error());
  const std::string temporary = "." + name + "." + std::to_string(::getpid()) + ".new";
  ::unlinkat(parent->get(), temporary.c_str(), 0);
  if (::symlinkat(std::string(target).c_str(), parent->get(), temporary.c_str()) != 0 ||
      ::renameat(parent->get(), temporary.c_str(), parent->get(), name.c_str()) != 0) {
    const int err = errno;
    ::unlinkat(parent->get(), temporary.c_str(), 0);
    return fail(cannot("make the link", path, err));
  }
  return Outcome::changed;
}

Result<Outcome> Files::remove(std::string_view path) const {
  std::string name;
  const auto parent = open_parent(path, name);
  if (!parent) {
    if (parent.error().why == Why::missing) return Outcome::already_so;
    return fail(parent.error());
  }
  if (::unlinkat(parent->get(), name.c_str(), 0) == 0) return Outcome::changed;
  if (errno == ENOENT) return Outcome::already_so;
  return fail(cannot("remove", path, errno));
}

Result<void> Files::rename(std::string_view from, std::string_view to) const {
  std::string old_name;
  std::string new_name;
  const auto old_parent = open_parent(from, old_name);
  if (!old_parent) return fail(old_parent.error());
  const auto new_parent = open_parent(to, new_name);
  if (!new_parent) return fail(new_parent.error());
  if (::renameat(old_parent->get(), old_name.c_str(), new_parent->get(), new_name.c_str()) != 0 ||
      ::fsync(new_parent->get()) != 0) {
    const int err = errno;
    return fail(cannot("move '" + std::string(from) + "' to", to, err));
  }
  return {};
}

std::string Files::host_path(std::string_view path) const {
  return root_ == "/" ? std::string(path) : root_ + std::string(path);
}

}  // namespace fettle::system
