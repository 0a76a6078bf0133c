// What the environments of the programs that use the GPUs mean: env.drift.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "base/explanation.h"
#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"

namespace fettle::env {

// The variables that env.drift is about: those of the whole node, wanted and not. Of these, `decided` are
// left out: what the rules for models set belongs to the model that runs, and it is not known here.
std::vector<std::string> watched(const profile::Profile& profile, const std::vector<std::string>& decided);

// Empty on a node that is to have no GPU. An inference engine warns when it lacks something, any other
// program only when it has something harmful.
Findings findings(const facts::Facts& facts, const profile::Profile& profile,
                  std::chrono::system_clock::time_point now);

std::span<const Explanation> explanations();

}  // namespace fettle::env
