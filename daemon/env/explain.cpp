#include "env/explain.h"

#include <algorithm>
#include <optional>

#include "env/dialect.h"

namespace fettle::env {
namespace {

// The whole file decides, not the line: a file that differs was written from another profile.
void look(Place& place, const system::Files& files, const std::string& content) {
  const auto written = files.read(place.path, 16_MiB);
  if (written) {
    place.delivery = *written == content ? Delivery::delivered : Delivery::outdated;
  } else if (written.error().why == Why::missing) {
    place.delivery = Delivery::not_written;
  } else {
    place.delivery = Delivery::unknown;
    place.error = written.error();
  }
}

// A variable that leads to a place of its own for each image: no file for the whole node can have it.
std::optional<profile::NotSet> of_each_image(const profile::Profile& profile, std::string_view name) {
  for (const profile::CacheDirectory& directory : profile.caches) {
    if (directory.compiled != profile::Compiled::by_image) continue;
    if (std::find(directory.env.begin(), directory.env.end(), name) == directory.env.end()) continue;
    return profile::NotSet{std::string(name),
                           {},
                           directory.why + "; `fettle run-line` and `fettle env --model` set it for an image",
                           "cache directory '" + directory.name + "' of the profile"};
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_text(Delivery delivery) {
  switch (delivery) {
    case Delivery::delivered:
      return "delivered";
    case Delivery::outdated:
      return "outdated";
    case Delivery::not_written:
      return "not_written";
    case Delivery::not_for_it:
      return "not_for_it";
    case Delivery::unknown:
      return "unknown";
  }
  return "unknown";
}

Result<Explanation> explain(const profile::Profile& profile, const system::Files& files,
                            std::string_view name) {
  const Plan made = plan(profile);
  Explanation explanation;
  explanation.name = name;
  for (const Variable& variable : made.variables) {
    if (variable.name != name) continue;
    Setting setting{variable, {}};
    auto file = made.files.begin();  // plan() makes one of each dialect that has any, in their order
    for (const Dialect& dialect : dialects()) {
      if (dialect.file_name.empty()) continue;
      Place place{dialect.reaches, file->path, Delivery::not_for_it, {}};
      if (dialect.takes(variable.scope)) look(place, files, file->content);
      ++file;
      setting.places.push_back(std::move(place));
    }
    explanation.settings.push_back(std::move(setting));
  }
  for (const Refusal& refusal : made.refused) {
    if (refusal.name == name) explanation.refused = refusal.error;
  }
  for (const profile::NotSet& left_alone : profile.not_set) {
    if (left_alone.name == name) explanation.left_alone = left_alone;
  }
  if (const auto own = of_each_image(profile, name)) explanation.left_alone = own;
  if (explanation.settings.empty() && !explanation.refused && !explanation.left_alone) {
    return fail(Why::missing, "cannot explain '" + std::string(name) + "': the profile says nothing about it",
                "`fettle env` lists the variables that it sets");
  }
  return explanation;
}

}  // namespace fettle::env
