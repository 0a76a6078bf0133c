// Provisioning: the sequence that makes the drives of this node into its cache, in two phases around the
// mount, which is the service manager's.
#pragma once

#include <chrono>
#include <optional>

#include "profile/load.h"
#include "storage/plan.h"
#include "storage/report.h"
#include "system/system.h"

namespace fettle::app {

enum class Phase {
  mount_point,  // only makes and closes the mount point, where the boot phase may not write
  boot,         // before the mount: find or make the array and the filesystem, set the cache link
  cache,  // after it: generation marker, cache directories, environment files; starts the wanted shelves
};

enum class Mode { act, dry_run };

// What it came to, for an exit code.
enum class Came { well, refused, busy, not_permitted, misconfigured };

struct Provisioned {
  Came came = Came::refused;
  std::optional<Error> error;      // why not, when it did not come well
  profile::Complaints complaints;  // of the configuration
  storage::Plan plan;              // of the boot phase
  storage::Report report;          // as written for others, except after a dry run
};

// Waits for another provisioner for up to 60 s, then comes back `busy`. Everything found and done is in the
// report at names::provision_report, also when it was refused.
Provisioned provision(const system::System& system, Phase phase, Mode mode);

// What would be done now: as a dry run of the boot phase, without waiting for drives that may come.
Provisioned look_at_storage(const system::System& system);

}  // namespace fettle::app
