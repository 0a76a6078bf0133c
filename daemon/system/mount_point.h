// The mount point: closed while nothing is mounted on it, so that no byte meant for the cache fills the root
// disk.
#pragma once

#include <string_view>

#include "base/result.h"
#include "system/files.h"

namespace fettle::system {

// Makes the directory when it is missing, gives it mode 0000 and the immutable flag of its filesystem: then
// root too gets an error when it writes there. already_so when it is closed, and when something is mounted on
// it: the mounted filesystem is never changed. refused when it holds something, or is no directory. Root
// only.
Result<Outcome> close_mount_point(const Files& files, std::string_view path);

// Takes the flag off and gives mode 0755, for a cache that is to be a plain directory in that place.
Result<Outcome> open_mount_point(const Files& files, std::string_view path);

}  // namespace fettle::system
