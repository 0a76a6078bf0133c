// History: the verdict of each boot with what spoke for it, and every change of the drives, as events in a
// store of root's. It outlives the record, so that "when did we lose that drive" has an answer.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "storage/apply.h"
#include "storage/plan.h"
#include "store/events.h"
#include "system/system.h"

namespace fettle::storage {

// One line: the boot, the verdict, serials by what they were found to be, UUIDs, what was done or why not.
std::string evidence(const Plan& plan, const Ending& ending, Verb verb, const std::string& boot_id);

// already_so when the newest event says the same of the same boot: a second run adds nothing.
Result<Outcome> remember(const system::System& system, const std::string& evidence);

// The newest `count`, oldest of them first; missing when nothing was ever provisioned here.
Result<std::vector<store::Event>> history(const system::Files& files, std::int64_t count);

}  // namespace fettle::storage
