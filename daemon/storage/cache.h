// The cache once it is mounted: that it is the right one, its generation, and its directories.
//
// Works the same in directory mode, without the question of the mount. Never goes into the directories.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "facts/facts.h"
#include "profile/profile.h"
#include "storage/apply.h"
#include "system/system.h"

namespace fettle::storage {

struct Prepared {
  std::vector<Applied> steps;
  std::string generation;  // id in the marker; empty when it did not come to that
  std::vector<std::string> warnings;
  std::optional<Error> error;  // the first that went wrong; directories after a refused one are still made
};

Prepared prepare_cache(const profile::Profile& profile, const facts::Facts& facts,
                       const system::System& system);

// refused unless the file system on the cache path is the one that the cache link leads to: on the bare mount
// point every byte would go to the root disk.
Result<void> is_mounted(const profile::Cache& cache, const facts::Facts& facts, const system::Files& files);

// Ids by the names in /etc/passwd and /etc/group of the root; missing, with advice, when there is no such
// name.
Result<system::Owner> owner_of(const profile::CacheDirectory& directory, const system::Files& files);

}  // namespace fettle::storage
