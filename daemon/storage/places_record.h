// The record of the links that we made for places, kept where root alone may write.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "storage/places.h"
#include "system/files.h"

namespace fettle::storage {

inline constexpr std::string_view places_record = "/var/lib/fettle/provision/places.json";

// Has systemd mount the places whenever the cache becomes ready.
inline constexpr std::string_view places_drop_in = "/etc/systemd/system/fettle-cache.target.d/50-places.conf";

// Empty when there is none.
Result<std::vector<MadeLink>> read_made_links(const system::Files& files);
Result<Outcome> write_made_links(const system::Files& files, const std::vector<MadeLink>& links);

}  // namespace fettle::storage
