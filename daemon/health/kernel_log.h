// The checks of the kernel log; rows of the table in checks.cpp.
#pragma once

#include <chrono>

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"

namespace fettle::health {

// Lines that the kernel dropped before anybody read them leave a check unknown for so long.
inline constexpr std::chrono::seconds gap_counts_for = std::chrono::hours(24);

Finding log_gpu(const facts::Facts& facts, const profile::Profile& profile);
Finding log_ras(const facts::Facts& facts, const profile::Profile& profile);
Finding log_bus(const facts::Facts& facts, const profile::Profile& profile);
Finding log_storage(const facts::Facts& facts, const profile::Profile& profile);
Finding log_host(const facts::Facts& facts, const profile::Profile& profile);

}  // namespace fettle::health
