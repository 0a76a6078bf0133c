#include "cli/amount_text.h"

#include <chrono>

#include "cli/status_page.h"

namespace fettle::cli {

std::string exact_time(std::uint64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  return time_text(std::chrono::seconds(seconds));
}

std::string money(std::uint64_t thousandths, const std::string& currency) {
  const std::uint64_t hundredths = (thousandths + 5) / 10;
  std::string part = std::to_string(hundredths % 100);
  if (part.size() < 2) part.insert(0, "0");
  return std::to_string(hundredths / 100) + "." + part + " " + currency;
}

}  // namespace fettle::cli
