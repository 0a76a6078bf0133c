// What each check reads, why it matters and what to do: `fettle check --explain ID`.
#pragma once

#include <string_view>

namespace fettle::health {

struct Explanation {
  std::string_view id;
  std::string_view reads;
  std::string_view why;
  std::string_view advice;
};

// Null for an id that no check of health has; those of settings are in host/standing.h.
const Explanation* explain(std::string_view id);

}  // namespace fettle::health
