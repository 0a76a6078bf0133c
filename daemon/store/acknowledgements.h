// Acknowledgements: of which findings somebody said that they are known, why, and until when.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"

namespace fettle::store {

struct Acknowledgement {
  std::string check;   // the finding's id
  std::string status;  // as it was told then: "warn"
  std::string says;
  std::string by;  // "root", "uid 1000"
  std::string because;
  std::chrono::system_clock::time_point at{};  // all times to the second
  std::chrono::system_clock::time_point until{};
};

// A schema step for the purpose that keeps them.
inline constexpr std::string_view acknowledgements_step =
    "CREATE TABLE acknowledgements (check_id TEXT PRIMARY KEY, status TEXT NOT NULL, says TEXT NOT NULL,"
    " by_whom TEXT NOT NULL, because TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL) STRICT;";

// These and no others. Call it inside a transaction.
Result<void> keep_acknowledgements(const Database& database, const std::vector<Acknowledgement>& all);

// By their checks.
Result<std::vector<Acknowledgement>> kept_acknowledgements(const Database& database);

}  // namespace fettle::store
