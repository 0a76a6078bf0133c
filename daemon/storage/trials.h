// Trials: what the collector's results mean: the cache takes data, the drives are well, none is slower than
// its siblings, and nothing of the mount is other than wanted.
#pragma once

#include <chrono>

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"
#include "storage/report.h"

namespace fettle::storage {

// cache.writes, cache.options, cache.generation, and drive.*, a finding for each bit of a drive's warnings.
// A result that is missing or too old is `unknown`; so is a trial that hangs, and after `hang_limit` it
// fails.
Findings trial_findings(const facts::Facts& facts, const Result<Report>& report,
                        const profile::Profile& profile, std::chrono::system_clock::time_point now);

// The kernel gives up an NVMe drive after 30 s; what hangs for longer than this does not come back by itself.
inline constexpr std::chrono::seconds hang_limit{120};

}  // namespace fettle::storage
