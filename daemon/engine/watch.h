// Watch: asks the engines of this node whether they serve, and writes down when each did for the first time
// in this boot: the last stage of the ledger. A unit of its own runs it, for the daemon has no network.
#pragma once

#include <chrono>
#include <vector>

#include "engine/ask.h"
#include "facts/engines.h"
#include "profile/profile.h"
#include "system/system.h"

namespace fettle::engine {

// Until all of them serve, and from then on. The first is what a time in the ledger may be late by.
inline constexpr std::chrono::seconds eager{1};
inline constexpr std::chrono::seconds settled{15};
// A result counts for as long as four settled turns.
inline constexpr std::chrono::seconds result_valid{60};
// An engine that has just loaded compiles on its first prompt.
inline constexpr std::chrono::seconds token_deadline{120};

// What the engine answers now. `before` is what it was in this boot; the first times in it stay.
facts::EngineTrial try_engine(const profile::Engine& engine, const facts::EngineTrial* before, const Ask& ask,
                              const system::Clock& clock);

// Asks each once and writes the report. Gives how long to wait for the next turn.
Result<std::chrono::seconds> turn(const std::vector<profile::Engine>& engines, const Ask& ask,
                                  const system::System& system);

}  // namespace fettle::engine
