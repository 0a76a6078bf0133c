// Amounts as people read them, for the pages that count time and money.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fettle::cli {

// "41 s", "12 min 5 s", "3 h 20 min".
std::string exact_time(std::uint64_t seconds);

// Of "90s", "30min", "8h", "2d"; malformed without a unit.
Result<std::chrono::seconds> parse_duration(std::string_view text);

// "12.34 USD" of thousandths.
std::string money(std::uint64_t thousandths, const std::string& currency);

}  // namespace fettle::cli
