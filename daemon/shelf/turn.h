// Turn: when a node of a fleet asks the hub for the first time after its boot, so that not all of them ask in
// the same second.
#pragma once

#include <chrono>

#include "profile/profile.h"
#include "system/files.h"

namespace fettle::shelf {

// So long after the boot, below the shelf's jitter_seconds: always the same for one machine and one shelf.
// Zero when the machine has no id.
std::chrono::seconds turn_of(const system::Files& files, const profile::Shelf& shelf);

// What of it is left; zero also when the time since the boot cannot be read.
std::chrono::seconds until_turn(const system::Files& files, const profile::Shelf& shelf);

}  // namespace fettle::shelf
