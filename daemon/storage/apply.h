// Applying: the steps of a plan, one after the other, stopping at the first that does not go as planned.
//
// Before each step that writes to drives every drive is looked at again: same serial, size and disk sequence
// number, or nothing is written. The caller holds the locks on the drives (system::DriveLocks) since before
// it looked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/plan.h"
#include "system/system.h"

namespace fettle::storage {

struct Applied {
  std::string says;  // what the step said it would do
  Outcome outcome = Outcome::failed;
};

struct Ending {
  std::vector<Applied> steps;  // those that were begun
  std::string device;          // "/dev/md127"; empty when it did not come to that
  Record record;               // as written last
  std::optional<Error> error;  // why it stopped; the steps after that were not begun
};

Ending apply(const Plan& plan, const system::System& system);

// The word of a step for kill tests and reports: "create_array".
std::string_view to_text(Act act);

}  // namespace fettle::storage
