// Versions, sizes and JSON: any text, and the orders that others rely on.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "base/pattern.h"
#include "base/version.h"
#include "base/version_range.h"

using namespace fettle;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  (void)parse_json(rest, "it");
  (void)parse_bytes(rest);
  (void)parse_release(rest);
  // Three versions on three lines: the order must be one.
  std::array<std::optional<Version>, 3> versions;
  for (auto& version : versions) {
    const auto end = rest.find('\n');
    if (const auto parsed = parse_version(rest.substr(0, end))) version = *parsed;
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  if (versions[0] && versions[1] && versions[2]) {
    const auto& [a, b, c] = versions;
    if (*a <= *b && *b <= *c && !(*a <= *c)) std::abort();
    if ((*a < *b) == (*b <= *a)) std::abort();
    if ((*a == *b) != (*b == *a)) std::abort();
  }
  // A pattern and a text, as in the rules for the kernel log.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto end = text.find('\n');
  if (end == std::string_view::npos || end > 200 || size > 4096) return 0;
  if (const auto pattern = Pattern::compile(text.substr(0, end))) {
    const auto behind = pattern->behind(text.substr(end + 1));
    if (behind.has_value() != pattern->matches(text.substr(end + 1))) std::abort();
  }
  return 0;
}
