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

// Nothing for an id that no check has.
const Explanation* explain(std::string_view id);

}  // namespace fettle::health
