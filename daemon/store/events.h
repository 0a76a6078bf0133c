// Events: what happened, kept with a limit, in the same transaction as the change they tell of.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"

namespace fettle::store {

struct Event {
  std::int64_t id = 0;  // grows, is never used twice
  std::chrono::system_clock::time_point at{};
  std::string subject;  // "shelf.tiny"
  std::string says;
};

// A schema step for the purposes that keep events.
inline constexpr std::string_view events_step =
    "CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, subject TEXT NOT NULL,"
    " says TEXT NOT NULL) STRICT;";

// The newest ones that are kept: about 1 MiB.
inline constexpr std::int64_t events_kept = 10'000;

// Call it inside the transaction of the change. Removes the oldest above the limit.
Result<void> add_event(const Database& database, std::chrono::system_clock::time_point at,
                       std::string_view subject, std::string_view says, std::int64_t keep = events_kept);

// The newest `count`, oldest of them first.
Result<std::vector<Event>> newest_events(const Database& database, std::int64_t count);

}  // namespace fettle::store
