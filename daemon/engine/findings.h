// What the engines' answers mean for the node: engine.NAME for each that the configuration names.
#pragma once

#include <chrono>
#include <span>

#include "base/explanation.h"
#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"

namespace fettle::engine {

// An engine that is not started yet is a warning, since the node itself is fit to start it; one that served
// in this boot and does not any more is a fail.
Findings findings(const facts::Facts& facts, const profile::Profile& profile,
                  std::chrono::system_clock::time_point now);

// The one text for engine.NAME.
std::span<const Explanation> explanations();

}  // namespace fettle::engine
