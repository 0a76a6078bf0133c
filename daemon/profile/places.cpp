#include "profile/places.h"

#include "base/names.h"

namespace fettle::profile {

Result<std::vector<std::string>> places(const system::Files& files) {
  std::vector<std::string> all{std::string(names::site_profiles)};
  const auto bundles = files.list(bundles_directory);
  if (!bundles && bundles.error().why != Why::missing) return fail(bundles.error());
  if (bundles) {
    for (const std::string& name : *bundles) {
      if (name.starts_with('.')) continue;
      const std::string& place = all.emplace_back(std::string(bundles_directory) + "/" + name);
      // A link that leads nowhere would be a bundle without files, and the package's would stand in for them.
      const auto info = files.look_through(place);
      if (!info) return fail(while_doing("use the bundle '" + name + "'", info.error()));
      if (info->kind == system::Kind::directory) continue;
      return fail(Why::malformed, "cannot use the bundle '" + place + "': it is no directory",
                  "move it away; `fettle profile install` makes bundles");
    }
  }
  all.emplace_back(names::shipped_profiles);
  return all;
}

}  // namespace fettle::profile
