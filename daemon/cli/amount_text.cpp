#include "cli/amount_text.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/text.h"

#include "cli/status_page.h"

namespace fettle::cli {

std::string exact_time(std::uint64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  return time_text(std::chrono::seconds(seconds));
}

Result<std::chrono::seconds> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t seconds;
  };
  constexpr std::array units{Unit{"s", 1}, Unit{"min", 60}, Unit{"h", 3600}, Unit{"d", 86400}};
  constexpr std::int64_t most = 1'000'000;  // of any unit: nothing can overflow
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = to_number<std::int64_t>(text.substr(0, digits));
  for (const Unit& unit : units) {
    if (count && *count <= most && text.substr(digits) == unit.name)
      return std::chrono::seconds(*count * unit.seconds);
  }
  return fail(Why::malformed, "cannot read '" + std::string(text) + "' as a time",
              "a whole number with its unit: 90s, 30min, 8h, 2d");
}

std::string money(std::uint64_t thousandths, const std::string& currency) {
  const std::uint64_t hundredths = (thousandths + 5) / 10;
  std::string part = std::to_string(hundredths % 100);
  if (part.size() < 2) part.insert(0, "0");
  return std::to_string(hundredths / 100) + "." + part + " " + currency;
}

}  // namespace fettle::cli
