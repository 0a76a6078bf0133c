// Goals of `fettle wait`, and what an answer of /v1/status still lacks for one. Pure.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fettle::cli {

struct Goal {
  enum class Kind { ready, cache, gpu, shelf } kind = Kind::ready;
  std::string shelf;
};

// "ready", "cache", "gpu" or "shelf=NAME".
Result<Goal> goal_of(std::string_view text);
std::string to_text(const Goal& goal);

struct Answered {
  std::vector<std::string> missing;  // empty = reached
  std::optional<Error> never;        // waiting longer cannot help
};

// A stale answer reaches nothing.
Answered missing_for(const boost::json::value& status, const Goal& goal);

}  // namespace fettle::cli
