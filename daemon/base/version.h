// Version: dotted numbers with whatever follows them, compared number by number.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fettle {

struct Version {
  std::vector<unsigned> numbers;  // 6.14.0-32-generic -> 6, 14, 0
  std::string rest;               // -> "-32-generic"

  // Numbers only; a missing number counts as 0, so 7.0 equals 7.0.0.
  friend std::strong_ordering operator<=>(const Version& a, const Version& b);
  friend bool operator==(const Version& a, const Version& b) { return (a <=> b) == 0; }

  // "6.14" for 6.14.0-32-generic: the first two numbers.
  std::string series() const;
  std::string to_text() const;
};

// At least one number first; anything after the numbers is kept in `rest`.
Result<Version> parse_version(std::string_view text);

}  // namespace fettle
