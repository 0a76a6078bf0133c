// Ledger: when each boot of this node reached each stage on its way to serving, with a limit on how many
// boots are kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "store/database.h"

namespace fettle::store {

struct Stage {
  std::string name;                            // "cache", "gpus", "shelf.tiny", "ready"
  std::chrono::system_clock::time_point at{};  // when it was first seen, to the second
  Bytes bytes;                                 // what had to be there for it, 0 when that means nothing
};

struct Boot {
  std::string id;                              // the kernel's boot_id
  std::chrono::system_clock::time_point at{};  // start of the kernel
  std::vector<Stage> stages;                   // in the order in which they were reached
  std::string generation;  // of the cache that it came to have; empty = none, or not known
};

// A schema step for the purpose that keeps a ledger.
inline constexpr std::string_view ledger_step =
    "CREATE TABLE boots (id TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE stages (boot TEXT NOT NULL REFERENCES boots (id) ON DELETE CASCADE, name TEXT NOT NULL,"
    " at INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (boot, name)) STRICT;";

// Another one, behind it.
inline constexpr std::string_view ledger_generation_step =
    "ALTER TABLE boots ADD COLUMN generation TEXT NOT NULL DEFAULT '';";

// A year of daily boots, some 100 KiB.
inline constexpr std::int64_t boots_kept = 400;

// Call it inside a transaction. A stage that this boot already has stays as it is: a daemon that was
// restarted reaches nothing a second time. So does its generation where the news have none. Removes the
// oldest boots above the limit.
Result<void> add_stages(const Database& database, const Boot& boot, std::int64_t keep = boots_kept);

// The newest `count`, newest first.
Result<std::vector<Boot>> newest_boots(const Database& database, std::int64_t count);

// The oldest that had this cache: on a blank node the one that made it. Nothing when none is kept.
Result<std::optional<Boot>> first_boot(const Database& database, std::string_view generation);

}  // namespace fettle::store
