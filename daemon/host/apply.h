// Doing what a plan of settings says. The file comes first: what was set and not written is lost at the next
// boot, and what stood before would be forgotten.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "host/plan.h"
#include "system/files.h"

namespace fettle::host {

struct Applied {
  std::string path;
  Outcome outcome = Outcome::failed;
  Error error;  // of failed and refused
};

// Goes on after a failure: each setting stands for itself. Values are set only below /proc/sys and /sys.
std::vector<Applied> apply(const Plan& plan, const system::Files& files);

}  // namespace fettle::host
