// Consumers: services that keep their data on the cache get a drop-in, so that without the cache they do not
// start and cannot fill the root disk. Only those that the configuration names: to all others the cache is no
// matter.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/finding.h"
#include "profile/arrangement.h"
#include "profile/profile.h"
#include "storage/unit_files.h"
#include "system/files.h"

namespace fettle::storage {

// The drop-ins of all consumers that there could be, as they are now.
FoundUnitFiles look_for_drop_ins(const system::Files& files);

// Without a cache a consumer is refused: it would wait for nothing.
UnitFilePlan plan_consumers(const std::vector<profile::Consumer>& wanted,
                            const std::optional<profile::Cache>& cache, const FoundUnitFiles& found);

// cache.consumers: the drop-ins are those that the configuration asks for.
NamedFinding consumers_finding(const profile::LoadedArrangement& loaded,
                               const std::optional<profile::Cache>& cache, const FoundUnitFiles& found,
                               std::chrono::system_clock::time_point now);

}  // namespace fettle::storage
