// Baseline: how fast each drive read when this generation of the cache was new, kept across boots.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "facts/collected.h"
#include "system/files.h"

namespace fettle::collect {

// Fills `first` of each trial with the same drive's first measurement in this generation, and keeps a
// measurement of a drive that had none. Those of other generations are dropped. Without a known generation
// nothing is read or kept.
Result<void> compare_with_first(const system::Files& files, const std::string& generation,
                                std::vector<facts::DriveTrial>& trials);

}  // namespace fettle::collect
