// The checks of what each GPU tells of itself; rows of the table in checks.cpp.
#pragma once

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"

namespace fettle::health {

Finding gpu_cards(const facts::Facts& facts, const profile::Profile& profile);
Finding gpu_partition(const facts::Facts& facts, const profile::Profile& profile);
Finding gpu_memory(const facts::Facts& facts, const profile::Profile& profile);
Finding gpu_pcie(const facts::Facts& facts, const profile::Profile& profile);
Finding gpu_xgmi(const facts::Facts& facts, const profile::Profile& profile);
Finding ras_errors(const facts::Facts& facts, const profile::Profile& profile);
Finding ras_pages(const facts::Facts& facts, const profile::Profile& profile);
Finding ras_bus(const facts::Facts& facts, const profile::Profile& profile);

}  // namespace fettle::health
