// Growth: how much of each shelf was there and when, so that the plot of a shelf outlives the daemon.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "store/database.h"

namespace fettle::store {

struct Growth {
  std::string shelf;
  std::chrono::system_clock::time_point at{};  // to the millisecond
  Bytes done;
  Bytes verified;
};

// A schema step for the purpose that keeps it.
inline constexpr std::string_view growth_step =
    "CREATE TABLE growth (shelf TEXT NOT NULL, at INTEGER NOT NULL, done INTEGER NOT NULL,"
    " verified INTEGER NOT NULL, PRIMARY KEY (shelf, at)) STRICT, WITHOUT ROWID;";

// Some 1 MiB; whoever keeps it thins it long before.
inline constexpr std::size_t growth_kept = 20'000;

// These and no others; what is more than `keep`, from the end, is left out. Call it inside a transaction.
Result<void> keep_growth(const Database& database, const std::vector<Growth>& all,
                         std::size_t keep = growth_kept);

// By shelf, oldest first.
Result<std::vector<Growth>> kept_growth(const Database& database);

}  // namespace fettle::store
