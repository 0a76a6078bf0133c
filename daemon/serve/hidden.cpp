#include "serve/hidden.h"

#include <algorithm>
#include <array>

namespace fettle::serve {

bool may_be_hidden(std::string_view id) {
  constexpr std::array<std::string_view, 7> prefixes{"ras.",    "driver.next_boot", "host.", "log.",
                                                     "engine.", "env.drift",        "deep."};
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return id.starts_with(prefix); });
}

}  // namespace fettle::serve
