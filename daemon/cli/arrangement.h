// What `fettle apply` arranges around the cache besides making it: drop-ins of the services that wait for it,
// and places that lead onto it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "profile/profile.h"
#include "storage/unit_files.h"
#include "system/system.h"

namespace fettle::cli {

// What is not yet as the configuration asks, a line each; refusals too.
std::vector<std::string> arrangement_lines(const profile::Profile& profile, const system::Files& files);

// Does it, and has systemd read its units again when one changed.
std::vector<storage::Arranged> arrange(const profile::Profile& profile, const system::System& system);

// Takes away everything that was ever arranged: there is no cache any more.
std::vector<storage::Arranged> take_arrangement_away(const system::System& system);

}  // namespace fettle::cli
