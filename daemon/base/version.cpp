#include "base/version.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace fettle {

std::strong_ordering operator<=>(const Version& a, const Version& b) {
  const std::size_t length = std::max(a.numbers.size(), b.numbers.size());
  for (std::size_t i = 0; i < length; ++i) {
    const unsigned left = i < a.numbers.size() ? a.numbers[i] : 0;
    const unsigned right = i < b.numbers.size() ? b.numbers[i] : 0;
    if (left != right) return left <=> right;
  }
  return std::strong_ordering::equal;
}

std::string Version::series() const {
  const unsigned minor = numbers.size() > 1 ? numbers[1] : 0;
  return std::to_string(numbers.empty() ? 0 : numbers[0]) + "." + std::to_string(minor);
}

std::string Version::to_text() const {
  std::string text;
  for (const unsigned number : numbers) {
    if (!text.empty()) text += '.';
    text += std::to_string(number);
  }
  return text + rest;
}

Result<Version> parse_version(std::string_view text) {
  Version version;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (at != end) {
    unsigned number = 0;
    const auto [next, err] = std::from_chars(at, end, number);
    if (err != std::errc()) break;
    version.numbers.push_back(number);
    at = next;
    const bool more = at + 1 < end && *at == '.' && std::isdigit(static_cast<unsigned char>(at[1])) != 0;
    if (!more) break;
    ++at;
  }
  if (version.numbers.empty()) {
    return fail(Why::malformed, "cannot read '" + std::string(text) + "' as a version",
                "a version starts with a number: 7.0.2");
  }
  version.rest.assign(at, end);
  return version;
}

}  // namespace fettle
