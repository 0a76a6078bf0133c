#include "system/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <vector>

namespace fettle::system {
namespace {

// What getdents64(2) writes; the C library keeps it to itself.
struct RawEntry {
  std::uint64_t inode;
  std::int64_t next;
  std::uint16_t length;
  std::uint8_t type;
  char name[1];  // ends with a zero byte
};

// 250 names of 64 hex digits in one call.
constexpr std::size_t listing_size = 32U << 10U;

Kind kind_of(std::uint8_t type) {
  switch (type) {
    case DT_REG:
      return Kind::file;
    case DT_DIR:
      return Kind::directory;
    case DT_LNK:
      return Kind::link;
    case DT_BLK:
      return Kind::block_device;
    default:
      return Kind::other;
  }
}

}  // namespace

Result<Directory> Directory::open(const Files& files, std::string_view path) {
  auto fd = files.open_at(path, O_RDONLY | O_DIRECTORY);
  if (!fd) return fail(fd.error());
  return Directory(std::move(*fd), std::string(path));
}

Result<Directory> Directory::open(std::string_view name) const {
  Fd fd(::openat(fd_.get(), std::string(name).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail(cannot("list", below(name), errno));
  return Directory(std::move(fd), below(name));
}

Result<void> Directory::each(const std::function<void(const Entry&)>& visit) const {
  std::vector<char> listing(listing_size);
  if (was_listed_ && ::lseek(fd_.get(), 0, SEEK_SET) < 0) return fail(cannot("list", path_, errno));
  was_listed_ = true;
  while (true) {
    const long got = ::syscall(SYS_getdents64, fd_.get(), listing.data(), listing.size());
    if (got < 0) return fail(cannot("list", path_, errno));
    if (got == 0) return {};
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      std::uint16_t length = 0;
      std::memcpy(&length, listing.data() + at + offsetof(RawEntry, length), sizeof length);
      const auto type = static_cast<std::uint8_t>(listing[at + offsetof(RawEntry, type)]);
      const std::string_view name = listing.data() + at + offsetof(RawEntry, name);
      if (name != "." && name != "..") visit({name, kind_of(type)});
      at += length;
    }
  }
}

Result<Info> Directory::look(std::string_view name) const {
  struct stat st {};
  if (::fstatat(fd_.get(), std::string(name).c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
    return fail(cannot("look at", below(name), errno));
  return info_of(st);
}

Result<std::string> Directory::read_link(std::string_view name) const {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlinkat(fd_.get(), std::string(name).c_str(), target.data(), target.size());
  if (length < 0) return fail(cannot("read the link", below(name), errno));
  return std::string(target.data(), static_cast<std::size_t>(length));
}

Result<std::string> Directory::read(std::string_view name, std::size_t limit) const {
  // O_NONBLOCK: a FIFO must not wait for a writer.
  const Fd fd(::openat(fd_.get(), std::string(name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return fail(cannot("read", below(name), errno));
  std::string text(limit, '\0');
  const ssize_t got = ::read(fd.get(), text.data(), text.size());
  if (got < 0) return fail(cannot("read", below(name), errno));
  text.resize(static_cast<std::size_t>(got));
  return text;
}

Result<void> Directory::remove_empty(std::string_view name) const {
  if (::unlinkat(fd_.get(), std::string(name).c_str(), AT_REMOVEDIR) == 0) return {};
  if (errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST) return {};
  return fail(cannot("remove the directory", below(name), errno));
}

Result<void> remove_directory(const Files& files, std::string_view path) {
  const auto slash = path.find_last_of('/');
  const auto parent = Directory::open(files, path.substr(0, slash));
  if (!parent) return parent.error().why == Why::missing ? Result<void>() : fail(parent.error());
  return parent->remove_empty(path.substr(slash + 1));
}

}  // namespace fettle::system
