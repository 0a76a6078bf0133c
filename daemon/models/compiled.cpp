#include "models/compiled.h"

#include <algorithm>

#include "profile/compiled.h"

namespace fettle::models {
namespace {

bool has(const std::vector<Setting>& settings, const std::string& name) {
  return std::any_of(settings.begin(), settings.end(),
                     [&](const Setting& each) { return each.name == name; });
}

}  // namespace

void lead_to_compiled(Advice& advice, const profile::Profile& profile, const Image& image) {
  if (!profile.cache || !advice.served_by.empty()) return;
  for (const profile::CacheDirectory& directory : profile.caches) {
    if (directory.compiled != profile::Compiled::by_image) continue;
    const bool is_file = !directory.file.empty();
    if (!is_file && image.begun.count(directory.name) == 0) continue;
    // Data-parallel ranks may each see a single GPU and count it as 0: they would share one file.
    if (is_file && advice.layout.dp > 1) continue;
    const std::string place = profile::compiled_place(
        *profile.cache, directory, profile::image_key(image.name, image.gfx), image.container);
    for (const std::string& name : directory.env) {
      if (has(advice.settings, name)) continue;
      const auto forbidden = std::find_if(advice.unset.begin(), advice.unset.end(),
                                          [&](const Unset& each) { return each.name == name; });
      if (forbidden != advice.unset.end()) {
        if (name != advice.jit_env) continue;
        advice.unset.erase(forbidden);
      }
      advice.settings.push_back(
          {name, place, {"compiled", directory.why, {"profile " + profile.name}, "source"}});
    }
  }
}

}  // namespace fettle::models
