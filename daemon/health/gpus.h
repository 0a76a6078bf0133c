// The checks of GPUs; rows of the table in checks.cpp.
#pragma once

#include <optional>

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"

namespace fettle::health {

Finding gpu_count(const facts::Facts& facts, const profile::Profile& profile);
Finding gpu_model(const facts::Facts& facts, const profile::Profile& profile);

// What to say when the profile asks for no GPUs or its table of models is lacking; nothing when both are
// there.
std::optional<Finding> without_models(const profile::Profile& profile);

// What to say of a driver that is not there although GPUs are wanted: `unknown` while it may still come,
// which on some clouds takes a quarter of an hour after boot; nothing when it had its time.
std::optional<Finding> driver_may_still_come(const facts::Facts& facts);

}  // namespace fettle::health
