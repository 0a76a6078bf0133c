// Look: gathers what every room knows about the node into the inputs of one snapshot. Pure wiring: no rule of
// its own.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "app/daemon.h"
#include "facts/facts.h"
#include "profile/profile.h"
#include "serve/snapshot.h"
#include "system/clock.h"
#include "system/files.h"

namespace fettle::app {

// Used by one thread at a time.
class Look {
 public:
  Look(const system::Files& files, const system::Clock& clock, std::string version)
      : files_(files), clock_(clock), version_(std::move(version)) {}

  serve::Inputs operator()(const profile::Profile& profile, Depth depth);

 private:
  const system::Files& files_;
  const system::Clock& clock_;
  std::string version_;

  std::optional<facts::Facts> facts_;  // of the last look at everything
  std::chrono::system_clock::time_point taken_at_;
  std::chrono::steady_clock::time_point taken_steady_;
};

}  // namespace fettle::app
