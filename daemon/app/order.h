// Orders: what an operator has done to the drives by hand, with consent to one plan.
#pragma once

#include <optional>

#include "app/provision.h"
#include "storage/consent.h"
#include "storage/plan.h"

namespace fettle::app {

struct Ordered {
  Provisioned provisioned;  // as of provision(): plan, report, what it came to
  std::string hash;         // of the plan; empty when there was nothing to look at
  storage::Ending ending;   // of an order that was carried out
};

// Without consent a dry run: looks, plans, and gives the hash. With it, waits for other provisioners, takes
// the drives' locks, looks again, and does nothing unless the plan is still the one that was consented to.
Ordered order(const system::System& system, storage::Verb verb,
              const std::optional<storage::Consent>& consent);

}  // namespace fettle::app
