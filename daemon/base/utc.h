// UTC: a time as text, and back, to the second, as RFC 3339 has it: "2026-11-24T16:00:00Z".
#pragma once

#include <chrono>
#include <string>

namespace fettle {

std::string utc_text(std::chrono::system_clock::time_point time);

// The epoch for what is no such text, and for years before 1970 and after 2261, which the clock cannot hold.
std::chrono::system_clock::time_point parse_utc(const std::string& text);

}  // namespace fettle
