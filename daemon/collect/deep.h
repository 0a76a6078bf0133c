// Runs the deep checks of a profile: programs of others, each with its deadline. Only when somebody asks:
// they take minutes, and the GPUs.
#pragma once

#include <functional>
#include <vector>

#include "facts/deep.h"
#include "profile/profile.h"
#include "system/system.h"

namespace fettle::collect {

// Called with each check before it is started.
using Tell = std::function<void(const profile::DeepCheck&)>;

// One after the other, and keeps what each came to for the daemon; results of checks that were not run now
// stay. timed_out when another run is under way; denied when the results cannot be kept. A program that ran
// before and does not end is not started a second time.
Result<std::vector<facts::DeepTrial>> run_deep(const system::System& system,
                                               const std::vector<profile::DeepCheck>& checks,
                                               const Tell& tell);

// What an ended program came to.
facts::DeepTrial judge_deep(const profile::DeepCheck& check, const system::Completed& completed);

}  // namespace fettle::collect
