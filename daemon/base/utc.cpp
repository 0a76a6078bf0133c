#include "base/utc.h"

#include <array>
#include <ctime>

namespace fettle {
namespace {

constexpr const char* form = "%Y-%m-%dT%H:%M:%SZ";
constexpr int first_year = 1970 - 1900;
constexpr int last_year = 2261 - 1900;  // 64 bits of nanoseconds end in April 2262

}  // namespace

std::string utc_text(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), form, &parts)};
}

std::chrono::system_clock::time_point parse_utc(const std::string& text) {
  std::tm parts{};
  const char* const end = ::strptime(text.c_str(), form, &parts);
  if (end == nullptr || *end != '\0' || end != text.c_str() + text.size()) return {};
  if (parts.tm_year < first_year || parts.tm_year > last_year) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

}  // namespace fettle
