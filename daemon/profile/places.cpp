#include "profile/places.h"

#include "base/names.h"

namespace fettle::profile {

Result<std::vector<std::string>> places(const system::Files& files) {
  std::vector<std::string> all{std::string(names::site_profiles)};
  const auto bundles = files.list(bundles_directory);
  if (!bundles && bundles.error().why != Why::missing) return fail(bundles.error());
  if (bundles) {
    for (const std::string& name : *bundles) {
      if (!name.starts_with('.')) all.push_back(std::string(bundles_directory) + "/" + name);
    }
  }
  all.emplace_back(names::shipped_profiles);
  return all;
}

}  // namespace fettle::profile
