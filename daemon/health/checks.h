// Checks: Facts and Profile in, findings out. They judge and never read; a fact that could not be read gives
// unknown.
//
// Their ids are a promise to operators' scripts and dashboards: never renamed, only retired.
#pragma once

#include <chrono>
#include <span>
#include <string_view>

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"

namespace fettle::health {

struct Check {
  std::string_view id;
  std::string_view title;
  Finding (*look)(const facts::Facts& facts, const profile::Profile& profile);
};

// All of them, in the order in which they are shown.
std::span<const Check> checks();

// Runs every check. `now` is when the facts were gathered.
Findings run(const facts::Facts& facts, const profile::Profile& profile,
             std::chrono::system_clock::time_point now);

}  // namespace fettle::health
