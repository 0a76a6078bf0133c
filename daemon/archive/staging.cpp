#include "archive/staging.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "base/text.h"

namespace fettle::archive {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// Removes what lies in the directory, never through a link. The trees are ours and as deep as a checked path:
// 2048.
void empty_directory(int fd) {
  const int copy = ::dup(fd);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(copy < 0 ? nullptr : ::fdopendir(copy), &::closedir);
  if (!directory) {
    if (copy >= 0) ::close(copy);
    return;
  }
  ::rewinddir(directory.get());
  while (const dirent* const entry = ::readdir(directory.get())) {
    const std::string name = static_cast<const char*>(entry->d_name);
    if (name == "." || name == "..") continue;
    if (::unlinkat(fd, name.c_str(), 0) == 0) continue;
    {
      const Fd child(::openat(fd, name.c_str(), directory_flags));
      if (!child) continue;
      empty_directory(child.get());
    }
    ::unlinkat(fd, name.c_str(), AT_REMOVEDIR);
  }
}

void remove_directory(int parent, const std::string& name) {
  if (const Fd fd(::openat(parent, name.c_str(), directory_flags)); fd) empty_directory(fd.get());
  ::unlinkat(parent, name.c_str(), AT_REMOVEDIR);
}

std::string own_name(std::string_view name) {
  return ".fettle-unpack-" + std::string(name);
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t done = ::write(fd, content.data(), content.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace

Staging::Staging(Fd parent, Fd fd, std::string name, std::string path, Durable durable)
    : parent_(std::move(parent)),
      fd_(std::move(fd)),
      name_(std::move(name)),
      path_(std::move(path)),
      durable_(durable) {}

Staging::~Staging() {
  if (parent_) remove_directory(parent_.get(), name_);
}

Result<Fd> Staging::open_cleared(const system::Files& files, std::string_view destination,
                                 std::string_view name) {
  if (auto fine = check_path(name); !fine) return fail(fine.error());
  auto parent = files.open_at(destination, O_RDONLY | O_DIRECTORY);
  if (parent) remove_directory(parent->get(), own_name(name));
  return parent;
}

Result<void> Staging::clear(const system::Files& files, std::string_view destination, std::string_view name) {
  const auto parent = open_cleared(files, destination, name);
  if (!parent && parent.error().why != Why::missing) return fail(parent.error());
  return {};
}

Result<Staging> Staging::make(const system::Files& files, std::string_view destination, std::string_view name,
                              Durable durable) {
  auto parent = open_cleared(files, destination, name);
  if (!parent) return fail(parent.error());
  const std::string own = own_name(name);
  const std::string path = std::string(destination) + "/" + own;
  if (::mkdirat(parent->get(), own.c_str(), 0700) != 0)
    return fail(cannot("make the directory", path, errno));
  Fd fd(::openat(parent->get(), own.c_str(), directory_flags));
  if (!fd) return fail(cannot("open", path, errno));
  return Staging(std::move(*parent), std::move(fd), own, path, durable);
}

// The directory that the last component of `path` belongs into, made where it is missing.
Result<Fd> Staging::directory_of(std::string_view path) const {
  Fd here(::openat(fd_.get(), ".", directory_flags));
  auto components = split(path, '/');
  components.pop_back();
  for (const std::string_view component : components) {
    const std::string name(component);
    if (!here || (::mkdirat(here.get(), name.c_str(), 0755) != 0 && errno != EEXIST)) {
      return fail(cannot("unpack", path, errno));
    }
    here = Fd(::openat(here.get(), name.c_str(), directory_flags));
  }
  if (!here) return fail(cannot("unpack", path, errno == ELOOP ? ENOTDIR : errno));
  return here;
}

Result<Fd> Staging::create(std::string_view path) const {
  const auto parent = directory_of(path);
  if (!parent) return fail(parent.error());
  const std::string name(split(path, '/').back());
  Fd fd(::openat(parent->get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail(cannot("unpack", path, errno));
  return fd;
}

Result<void> Staging::seal(const Fd& fd, std::string_view path) const {
  if (::fchmod(fd.get(), 0644) != 0) return fail(cannot("unpack", path, errno));
  if (durable_ == Durable::each_file && ::fsync(fd.get()) != 0) return fail(cannot("unpack", path, errno));
  return {};
}

Result<void> Staging::sync() const {
  if (::syncfs(fd_.get()) != 0) return fail(cannot("write out", path_, errno));
  return {};
}

Result<void> Staging::put(Reader& reader, const Entry& entry, const std::function<Result<void>()>& tick) {
  if (entry.kind == EntryKind::file) return put_file(reader, entry, tick);
  const auto parent = directory_of(entry.path);
  if (!parent) return fail(parent.error());
  const std::string name(split(entry.path, '/').back());
  if (entry.kind == EntryKind::directory) {
    struct stat st {};
    const bool made = ::mkdirat(parent->get(), name.c_str(), 0755) == 0;
    if (made || (errno == EEXIST && ::fstatat(parent->get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                 S_ISDIR(st.st_mode))) {
      return {};
    }
    return fail(cannot("unpack", entry.path, EEXIST));
  }
  if (::symlinkat(entry.target.c_str(), parent->get(), name.c_str()) == 0) return {};
  return fail(cannot("unpack", entry.path, errno));
}

Result<void> Staging::put_file(Reader& reader, const Entry& entry,
                               const std::function<Result<void>()>& tick) const {
  const auto fd = create(entry.path);
  if (!fd) return fail(fd.error());
  Bytes written;
  auto copied = reader.content([&](std::string_view piece) -> Result<void> {
    if (!write_all(fd->get(), piece)) return fail(cannot("unpack", entry.path, errno));
    written += {piece.size()};
    return tick();
  });
  if (!copied) return copied;
  if (written != entry.size) {
    return fail(Why::malformed, "cannot unpack '" + entry.path + "': it ends after " + to_text(written) +
                                    " of " + to_text(entry.size));
  }
  return seal(*fd, entry.path);
}

}  // namespace fettle::archive
