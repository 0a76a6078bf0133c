// Places: the directories in which a name of a profile, a shelf or a table is looked for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "profile/load.h"
#include "system/files.h"

namespace fettle::profile {

// Below it one directory a bundle (bundle.h); names that begin with a dot are none.
inline constexpr std::string_view bundles_directory = "/etc/fettle/profiles/bundles";

// The first that has the file counts: the site's own, then bundles in the order of their names, then the
// package's. Bundles that cannot be listed are an error, never nothing.
Result<std::vector<std::string>> places(const system::Files& files);

// The configuration of this node, as if names were looked for in these places: to try what is not in place
// yet.
Loaded load_from(const system::Files& files, std::vector<std::string> places);

}  // namespace fettle::profile
