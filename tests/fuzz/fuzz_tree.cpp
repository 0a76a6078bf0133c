// A tree beside a profile: of its text, or nothing. The text is what stands before the first zero byte.
#include <cstdint>
#include <string_view>

#include "profile/prepared.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto end = all.find('\0');
  if (end == std::string_view::npos) return 0;
  (void)fettle::profile::read_tree(all.substr(end + 1), all.substr(0, end));
  return 0;
}
