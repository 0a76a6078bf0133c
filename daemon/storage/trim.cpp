#include "storage/trim.h"

#include <algorithm>

#include "base/text.h"

namespace fettle::storage {

Result<system::Command> trim(const profile::Profile& profile, const facts::Facts& facts,
                             const Result<Report>& report) {
  const std::string doing = "cannot trim the cache: ";
  if (!profile.cache || !profile.cache->drives) {
    return fail(Why::missing, doing + "the profile wants none on drives",
                "a directory on somebody else's file system is trimmed by its owner");
  }
  if (!facts.mounts) return fail(while_doing("trim the cache", facts.mounts.error()));
  if (!report) return fail(while_doing("trim the cache", report.error()));
  const std::string& path = profile.cache->path;
  const facts::Mount* mount = nullptr;  // the last one mounted there hides the others
  for (const facts::Mount& candidate : *facts.mounts) {
    if (candidate.where == path) mount = &candidate;
  }
  if (mount == nullptr || report->device.empty() || mount->what != report->device) {
    return fail(Why::refused,
                doing + (mount == nullptr ? "nothing is mounted on '" + path + "'"
                                          : "'" + mount->what + "' on '" + path + "' is not ours"),
                "`fettle storage show` tells how the drives stand");
  }
  const auto options = split(mount->options, ',');
  if (std::find(options.begin(), options.end(), "ro") != options.end()) {
    return fail(Why::refused, doing + "it is mounted read-only",
                "XFS goes read-only after I/O errors: see `dmesg`");
  }
  // The kernel hands out 28 TB of discards at the drives' pace: minutes, and hours on bad ones.
  return system::Command{{"/usr/sbin/fstrim", path}, {}, std::chrono::hours(2)};
}

}  // namespace fettle::storage
