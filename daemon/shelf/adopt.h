// Adopt: takes over what other tools left in the cache, in place: every byte is verified, and a shelf of its
// own names it by commit, size and hash. Nothing is moved, copied or removed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shelf/cleaning.h"
#include "shelf/shelf.h"

namespace fettle::shelf {

struct Adopted {
  std::vector<Manifest> manifests;  // whole and verified
  std::vector<Damage> damages;      // their repositories are not taken over
  std::vector<Kept> left_out;       // repositories of which something is missing or unclear
  Bytes bytes;                      // of `manifests`
};

// Of each model that the cache holds (of `ids` only, unless that is empty) the revision that main names, or
// the only one. What was verified before and has not changed is not read again, so a second run goes on where
// the first ended.
Result<Adopted> adopt(const system::System& system, const profile::Profile& profile,
                      const std::vector<std::string>& ids, const Effort& effort, const Hashed& hashed);

// The file of a shelf that wants just these, and the lock beside it. refused when one of the two is there
// already with another content.
Result<void> write_shelf(const system::Files& files, std::string_view name,
                         const std::vector<Manifest>& manifests);

}  // namespace fettle::shelf
