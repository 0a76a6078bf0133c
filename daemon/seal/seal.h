// Sealing: what has to go from a root file system before it becomes the image of other machines. What a node
// remembers of itself goes, what is wanted of every node stays.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "system/system.h"

namespace fettle::seal {

// A file of fettle's that belongs to this machine alone.
struct Leftover {
  std::string path;
  std::string what;  // half a sentence: "which drives this machine may use again"
};

// Something of this machine that is not fettle's: its owner's tools remove it.
struct Reminder {
  std::string path;
  std::string says;  // what to run, and what happens otherwise
};

struct Found {
  Result<std::vector<Leftover>> leftovers;
  std::vector<Reminder> reminders;
  // Why this must not be sealed now: the cache is mounted, something of ours is at work, or that could not be
  // looked at.
  std::vector<Error> in_the_way;
};

enum class Systemd { runs, absent };

struct Plan {
  Systemd systemd = Systemd::absent;  // where it runs, our units are stopped first: a daemon writes its state
  std::vector<Leftover> remove;
};

struct Removed {
  std::string path;
  std::string what;
  Outcome outcome = Outcome::failed;
  Error error;  // of failed
};

// `cache` is where the profile wants the cache, /srv/fettle when there is no profile. Asks systemd for our
// units where it runs: at most 10 s.
Found look(const system::System& system, const std::string& cache);

// refused with everything that is in the way; failed when not all places could be looked at.
Result<Plan> plan(const system::Files& files, const Found& found);

// An error when our units cannot be stopped: then nothing was removed. A file that cannot be removed does not
// keep the others.
Result<std::vector<Removed>> apply(const Plan& plan, const system::System& system);

}  // namespace fettle::seal
