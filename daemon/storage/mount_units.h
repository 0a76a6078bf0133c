// Mount units: what systemd has to know of a cache whose path is not the package's, or that has quotas. A
// generator writes it at each boot and each daemon-reload, so that it follows the configuration and nothing
// is left behind.
#pragma once

#include <string_view>
#include <vector>

#include "profile/profile.h"
#include "storage/unit_files.h"
#include "system/files.h"

namespace fettle::storage {

// Where systemd keeps what generators wrote.
inline constexpr std::string_view generator_directory = "/run/systemd/generator";

// Below `directory`. Empty for a cache without quotas where the package's units expect it, and for none.
std::vector<UnitFile> mount_units(const profile::Profile& profile, std::string_view directory);

// Does systemd have another mount in mind than the profile? Then it has not read the configuration since that
// changed.
Result<bool> is_to_be_read_again(const profile::Profile& profile, const system::Files& files);

}  // namespace fettle::storage
