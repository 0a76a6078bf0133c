// Checks of the host around the GPUs: what the profile's `host` promises, and what is there.
#pragma once

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"

namespace fettle::health {

Finding host_cpus(const facts::Facts& facts, const profile::Profile& profile);
Finding host_memory(const facts::Facts& facts, const profile::Profile& profile);
Finding host_swap(const facts::Facts& facts, const profile::Profile& profile);
Finding host_root(const facts::Facts& facts, const profile::Profile& profile);
Finding host_clock(const facts::Facts& facts, const profile::Profile& profile);
Finding host_infiniband(const facts::Facts& facts, const profile::Profile& profile);
Finding host_groups(const facts::Facts& facts, const profile::Profile& profile);

}  // namespace fettle::health
