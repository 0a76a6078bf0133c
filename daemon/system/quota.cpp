#include "system/quota.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

namespace fettle::system {
namespace {

// Deep enough for every tree of software, and an end for one that is not.
constexpr int deepest = 100;

constexpr std::uint64_t basic_block = 512;  // dqblk_xfs.h counts in these

constexpr std::uint64_t blocks_of(Bytes size) {
  return (size.count + basic_block - 1) / basic_block;
}

// The system call that takes an open file instead of the device's path (Linux 5.14); the C library has no
// function for it.
long quotactl(int descriptor, int command, Project project, fs_disk_quota& quota) {
  return ::syscall(SYS_quotactl_fd, static_cast<unsigned>(descriptor),
                   static_cast<unsigned>(QCMD(command, PRJQUOTA)), project, &quota);
}

Error cannot_quota(std::string_view verb, std::string_view path, int err) {
  // No quota of this kind is on: ENOSYS and ESRCH of XFS, ENOTSUP of others.
  if (err == ENOSYS || err == ESRCH || err == EOPNOTSUPP) {
    return {
        Why::missing,
        "cannot " + std::string(verb) + " '" + std::string(path) + "': it was mounted without project quotas",
        "the next boot mounts it with them"};
  }
  return cannot(verb, path, err, "only root may");
}

// False when it has the number already.
Result<bool> give(int descriptor, Project project, bool is_directory, const std::string& path) {
  fsxattr attributes{};
  if (::ioctl(descriptor, FS_IOC_FSGETXATTR, &attributes) != 0)
    return fail(cannot("read the project of", path, errno));
  const std::uint32_t hands_on = is_directory ? FS_XFLAG_PROJINHERIT : 0U;
  if (attributes.fsx_projid == project && (attributes.fsx_xflags & hands_on) == hands_on) return false;
  attributes.fsx_projid = project;
  attributes.fsx_xflags |= hands_on;
  if (::ioctl(descriptor, FS_IOC_FSSETXATTR, &attributes) != 0)
    return fail(cannot("set the project of", path, errno));
  return true;
}

struct Closing {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

class Walk {
 public:
  Walk(Project project, dev_t device) : project_(project), device_(device) {}

  Result<void> take(Fd directory, const std::string& path, int depth) const {
    if (depth == deepest)
      return fail(Why::refused, "cannot go deeper than '" + path + "'", "look what it is");
    const int again = ::fcntl(directory.get(), F_DUPFD_CLOEXEC, 0);
    const std::unique_ptr<DIR, Closing> entries(again < 0 ? nullptr : ::fdopendir(again));
    if (!entries) {
      const int err = errno;
      if (again >= 0) ::close(again);
      return fail(cannot("list", path, err));
    }
    while (const dirent* const entry = ::readdir(entries.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (auto taken = take_entry(directory.get(), name, path + "/" + name, depth); !taken) return taken;
    }
    if (const auto given = give(directory.get(), project_, true, path); !given) return fail(given.error());
    return {};
  }

 private:
  // What is gone by now needs no number.
  Result<void> take_entry(int directory, const std::string& name, const std::string& path, int depth) const {
    struct stat look {};
    if (::fstatat(directory, name.c_str(), &look, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT ? Result<void>() : fail(cannot("look at", path, errno));
    const bool is_directory = S_ISDIR(look.st_mode);
    if (look.st_dev != device_ || (!is_directory && !S_ISREG(look.st_mode))) return {};
    Fd opened(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!opened) return errno == ENOENT ? Result<void>() : fail(cannot("open", path, errno));
    if (is_directory) return take(std::move(opened), path, depth + 1);
    if (const auto given = give(opened.get(), project_, false, path); !given) return fail(given.error());
    return {};
  }

  Project project_;
  dev_t device_;
};

}  // namespace

Result<Project> project_of(const Files& files, std::string_view directory) {
  const auto opened = files.open_at(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!opened) return fail(opened.error());
  fsxattr attributes{};
  if (::ioctl(opened->get(), FS_IOC_FSGETXATTR, &attributes) != 0)
    return fail(cannot("read the project of", directory, errno));
  return (attributes.fsx_xflags & FS_XFLAG_PROJINHERIT) == 0 ? 0 : attributes.fsx_projid;
}

Result<void> set_project(const Files& files, std::string_view directory, Project project) {
  auto opened = files.open_at(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!opened) return fail(opened.error());
  const auto info = look_at(*opened, directory);
  if (!info) return fail(info.error());
  return Walk(project, info->device).take(std::move(*opened), std::string(directory), 0);
}

Result<Bytes> limit_of(const Files& files, std::string_view path, Project project) {
  const auto opened = files.open_at(path, O_RDONLY | O_DIRECTORY);
  if (!opened) return fail(opened.error());
  fs_disk_quota quota{};
  if (quotactl(opened->get(), Q_XGETQUOTA, project, quota) == 0)
    return Bytes{quota.d_blk_hardlimit * basic_block};
  // Nothing was ever written under this number.
  if (errno == ENOENT) return Bytes{};
  return fail(cannot_quota("read the quota of", path, errno));
}

Result<void> set_limit(const Files& files, std::string_view path, Project project, Bytes limit) {
  const auto opened = files.open_at(path, O_RDONLY | O_DIRECTORY);
  if (!opened) return fail(opened.error());
  fs_disk_quota quota{};
  quota.d_version = FS_DQUOT_VERSION;
  quota.d_flags = FS_PROJ_QUOTA;
  quota.d_fieldmask = FS_DQ_BHARD;
  quota.d_id = project;
  quota.d_blk_hardlimit = blocks_of(limit);
  if (quotactl(opened->get(), Q_XSETQLIM, project, quota) == 0) return {};
  return fail(cannot_quota("set the quota of", path, errno));
}

}  // namespace fettle::system
