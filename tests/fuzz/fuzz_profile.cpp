// Any text is a file without mistakes or gives complaints with a place inside it; seeds: profiles/,
// packaging/fettle.yaml.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "profile/load.h"
#include "profile/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto complaints = fettle::profile::check_text(text, "fuzz.yaml");
  const auto lines =
      std::count(text.begin(), text.end(), '\n') + std::count(text.begin(), text.end(), '\r') + 1;
  if (complaints.size() > fettle::profile::most_complaints + 1) std::abort();
  for (const auto& complaint : complaints) {
    if (complaint.what.empty() || complaint.line < 0 || complaint.line > lines + 1) std::abort();
    // What is printed on a terminal must not steer it.
    const auto bad = fettle::profile::find_unprintable(fettle::profile::to_text(complaint),
                                                       fettle::profile::Lines::refused);
    if (bad.offset != std::string_view::npos) std::abort();
  }
  return 0;
}
