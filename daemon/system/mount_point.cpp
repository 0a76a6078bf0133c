#include "system/mount_point.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>

namespace fettle::system {
namespace {

// An open directory and its flags; nothing in `flags` when something is mounted on it.
struct Looked {
  Fd directory;
  bool is_mounted = false;
  unsigned flags = 0;
};

// STATX_ATTR_MOUNT_ROOT (Linux 5.8) also tells bind mounts of the same filesystem, which st_dev does not.
Result<bool> is_mounted(int directory, std::string_view path) {
  struct statx look {};
  if (::statx(directory, "", AT_EMPTY_PATH, STATX_TYPE, &look) != 0) {
    return fail(cannot("look at the mount point", path, errno));
  }
  if ((look.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0) {
    return fail(Why::failed, "cannot tell whether something is mounted on '" + std::string(path) + "'",
                "the kernel is older than 5.8");
  }
  return (look.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

Result<Looked> look_at(const Files& files, std::string_view path) {
  Looked looked;
  auto opened = files.open_at(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!opened) return fail(opened.error());
  looked.directory = std::move(*opened);
  const auto mounted = is_mounted(looked.directory.get(), path);
  if (!mounted) return fail(mounted.error());
  looked.is_mounted = *mounted;
  if (!looked.is_mounted && ::ioctl(looked.directory.get(), FS_IOC_GETFLAGS, &looked.flags) != 0) {
    return fail(cannot("read the flags of the mount point", path, errno,
                       "its filesystem may have none; then root can write there while nothing is mounted"));
  }
  return looked;
}

Result<void> set_flags(const Looked& looked, unsigned flags, std::string_view path) {
  if (::ioctl(looked.directory.get(), FS_IOC_SETFLAGS, &flags) == 0) return {};
  return fail(cannot("set the flags of the mount point", path, errno, "only root may"));
}

Result<void> set_mode(const Looked& looked, mode_t mode, std::string_view path) {
  if (::fchmod(looked.directory.get(), mode) == 0) return {};
  return fail(cannot("set the mode of the mount point", path, errno));
}

}  // namespace

Result<Outcome> close_mount_point(const Files& files, std::string_view path) {
  const auto there = files.exists(path);
  if (!there) return fail(there.error());
  if (!*there) {
    if (const auto made = files.make_directory(path, 0700); !made) return made;
  }
  const auto looked = look_at(files, path);
  if (!looked) return fail(looked.error());
  if (looked->is_mounted || (looked->flags & FS_IMMUTABLE_FL) != 0) return Outcome::already_so;
  const auto names = files.list(path);
  if (!names) return fail(names.error());
  if (!names->empty()) {
    return fail(Why::refused,
                "cannot close the mount point '" + std::string(path) + "': it holds '" + names->front() + "'",
                "move away what is in it; a mount would hide it");
  }
  if (const auto set = set_mode(*looked, 0, path); !set) return fail(set.error());
  if (const auto set = set_flags(*looked, looked->flags | FS_IMMUTABLE_FL, path); !set)
    return fail(set.error());
  return Outcome::changed;
}

Result<Outcome> open_mount_point(const Files& files, std::string_view path) {
  const auto looked = look_at(files, path);
  if (!looked) return fail(looked.error());
  if (looked->is_mounted || (looked->flags & FS_IMMUTABLE_FL) == 0) return Outcome::already_so;
  const unsigned flags = looked->flags & ~static_cast<unsigned>(FS_IMMUTABLE_FL);
  if (const auto set = set_flags(*looked, flags, path); !set) return fail(set.error());
  if (const auto set = set_mode(*looked, 0755, path); !set) return fail(set.error());
  return Outcome::changed;
}

}  // namespace fettle::system
