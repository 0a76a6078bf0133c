#include "base/bytes.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>

namespace fettle {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array units{
    Unit{"B", 1},           Unit{"kB", 1e3},           Unit{"MB", 1e6},
    Unit{"GB", 1e9},        Unit{"TB", 1e12},          Unit{"KiB", 1024.0},
    Unit{"MiB", 1048576.0}, Unit{"GiB", 1073741824.0}, Unit{"TiB", 1099511627776.0},
};

}  // namespace

std::string to_text(Bytes bytes) {
  constexpr std::array names{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes.count < 1024) return std::to_string(bytes.count) + " B";
  auto value = static_cast<double>(bytes.count);
  std::size_t step = 0;
  // 1023.95 and above would print as "1024.0" of the smaller unit.
  while (value >= 1023.95 && step + 1 < names.size()) {
    value /= 1024.0;
    ++step;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", value, names[step]);
  return text.data();
}

Result<Bytes> parse_bytes(std::string_view text) {
  const auto malformed = [&] {
    return fail(Why::malformed, "cannot read '" + std::string(text) + "' as a size",
                "write a number and a unit: 512 MiB, 1.5 TB, 100 GiB");
  };
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, err] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (err != std::errc() || !(number >= 0)) return malformed();
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  for (const Unit& known : units) {
    if (known.name != unit) continue;
    const double bytes = number * known.factor;
    if (bytes >= 1.8e19) return malformed();
    return Bytes{static_cast<std::uint64_t>(std::llround(bytes))};
  }
  return malformed();
}

}  // namespace fettle
