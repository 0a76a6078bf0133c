// Quota: how much the file system lets one directory hold, by XFS project quotas. A project is a number that
// a directory gives to everything made in it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "system/files.h"

namespace fettle::system {

using Project = std::uint32_t;  // 0 = none

// The number of a directory, once it hands it on.
Result<Project> project_of(const Files& files, std::string_view directory);

// Gives it to everything in the directory that is on the same file system, the directory itself last: cut off
// half way, it is done again. Links and devices take no room and have none.
Result<void> set_project(const Files& files, std::string_view directory, Project project);

// What the file system of `path` lets the project hold, 0 = no limit. missing when it was mounted without
// project quotas. Root only, as set_limit().
Result<Bytes> limit_of(const Files& files, std::string_view path, Project project);
Result<void> set_limit(const Files& files, std::string_view path, Project project, Bytes limit);

}  // namespace fettle::system
