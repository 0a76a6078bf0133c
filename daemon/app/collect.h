// Collecting: which cache and which drives of this node `fettle collect` looks at. Wiring only.
#pragma once

#include <optional>
#include <vector>

#include "app/provision.h"
#include "collect/collect.h"
#include "profile/load.h"
#include "system/system.h"

namespace fettle::app {

struct Collected {
  Came came = Came::refused;
  std::optional<Error> error;      // why not, when it did not come well
  profile::Complaints complaints;  // of the configuration
  std::vector<collect::Looked> looked;
};

Collected collect(const system::System& system, collect::When when);

}  // namespace fettle::app
