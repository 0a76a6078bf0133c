// Explaining one variable: its value, why it is set, and whether each place that delivers it really has it
// now.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "env/plan.h"
#include "profile/profile.h"
#include "system/files.h"

namespace fettle::env {

// `not_for_it`: the variable's scope leaves this place out. `outdated`: the file there is not the one that
// the profile asks for now. `unknown`: could not look.
enum class Delivery { delivered, outdated, not_written, not_for_it, unknown };

struct Place {
  std::string_view reaches;  // "login shells"
  std::string path;
  Delivery delivery = Delivery::unknown;
  Error error;  // for `unknown`
};

// One setting of the name; there are two when host and container get different values.
struct Setting {
  Variable variable;
  std::vector<Place> places;
};

struct Explanation {
  std::string name;
  std::vector<Setting> settings;
  std::optional<Error> refused;               // why it is delivered nowhere
  std::optional<profile::NotSet> left_alone;  // why the profile does not set it
};

// missing when the profile says nothing about that name.
Result<Explanation> explain(const profile::Profile& profile, const system::Files& files,
                            std::string_view name);

std::string_view to_text(Delivery delivery);  // "delivered", "outdated", …

}  // namespace fettle::env
