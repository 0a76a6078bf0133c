// The mount point of the cache: whether the cache may be mounted there, and those that were closed for it
// before.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "facts/facts.h"
#include "profile/profile.h"
#include "storage/unit_files.h"
#include "system/files.h"

namespace fettle::storage {

// One path a line, root's alone: the mount points that were ever closed and not opened again. The package's
// postrm reads it too.
inline constexpr std::string_view mount_point_record = "/var/lib/fettle/provision/mount-points";

// "/a/b/c": "/a", "/a/b".
std::vector<std::string> parents_of(const std::string& path);

// Is the cache on drives, and elsewhere than the package's own mount unit puts it?
bool is_elsewhere(const profile::Cache& cache);

// Why the cache must not be mounted where the profile says, with the line that says so; nothing when it may,
// or is. Asked of a place that is not the package's: that one was made for the cache.
std::optional<Error> why_not_mounted_there(const profile::Cache& cache,
                                           const Result<std::vector<facts::Mount>>& mounts,
                                           const system::Files& files);

// What is mounted at boot above the cache and is not there now: it would hide the cache when it comes, and
// the mount point would have been made on the wrong file system. Of any cache on drives.
std::optional<Error> why_not_below(const profile::Cache& cache, const std::vector<facts::Mount>& mounts,
                                   const system::Files& files);

// Somebody's line or unit that mounts something else on the very place, of a cache that is elsewhere: systemd
// can have one unit of that name only.
std::optional<Error> why_taken(const profile::Cache& cache, const system::Files& files);

// Makes and closes it, and remembers that.
Result<Outcome> close_mount_point(const profile::Cache& cache, const system::Files& files);

// Of those remembered, the ones that are not wanted and have nothing mounted on them.
Result<std::vector<std::string>> old_mount_points(const std::optional<profile::Cache>& cache,
                                                  const Result<std::vector<facts::Mount>>& mounts,
                                                  const system::Files& files);

// Opens them and removes those that are empty; one that holds something stays as a plain directory.
std::vector<Arranged> remove_mount_points(const std::vector<std::string>& paths, const system::Files& files);

}  // namespace fettle::storage
