// What the deep checks of the profile came to when they were last run: deep.NAME each.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"

namespace fettle::health {

// A check that nobody ran is not applicable; one whose result is older than it counts for is unknown.
Findings deep_findings(const facts::Facts& facts, const profile::Profile& profile,
                       std::chrono::system_clock::time_point now);

// The finding of a result that was just made.
NamedFinding deep_finding(const profile::DeepCheck& check, const facts::DeepTrial& trial);

// What it runs and why, from the profile; nothing when no deep check has this id.
struct DeepExplanation {
  std::string id;
  std::string reads;
  std::string why;
  std::string advice;
};
std::optional<DeepExplanation> explain_deep(std::string_view id, const profile::Profile& profile);

}  // namespace fettle::health
