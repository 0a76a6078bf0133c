// Amounts as people read them, for the pages that count time and money.
#pragma once

#include <cstdint>
#include <string>

namespace fettle::cli {

// "41 s", "12 min 5 s", "3 h 20 min".
std::string exact_time(std::uint64_t seconds);

// "12.34 USD" of thousandths.
std::string money(std::uint64_t thousandths, const std::string& currency);

}  // namespace fettle::cli
