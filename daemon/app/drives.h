// What provisioning and an operator's orders share: one look at the drives with the plan that follows, and
// the locks.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "facts/facts.h"
#include "profile/profile.h"
#include "storage/look.h"
#include "storage/plan.h"
#include "system/system.h"

namespace fettle::app {

// udev holds a drive for a moment after it appeared.
inline constexpr std::chrono::seconds drive_locks{10};

// A look at the health of a drive takes a second or two, of all drives by fettle's collector a few more.
inline constexpr std::chrono::seconds lookers{20};

// Waits until no program has one of these devices open any more, all in all `lookers` at most. The look after
// it tells who still has.
void wait_for_lookers(const system::System& system, const std::vector<std::string>& devices);

// Everything of the wanted drives that is known now, and what follows from it.
struct Looked {
  facts::Facts facts;
  storage::Sight sight;
  storage::Plan plan;
};

Looked look_at_drives(const system::System& system, const profile::Profile& profile, storage::Depth depth,
                      const storage::Fresh& fresh, storage::Verb verb = storage::Verb::provision);

// The device nodes of the drives that were seen.
std::vector<std::string> names_of(const Looked& looked);

}  // namespace fettle::app
