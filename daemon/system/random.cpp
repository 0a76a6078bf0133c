#include "system/random.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace fettle::system {

Result<std::string> random_uuid() {
  std::array<unsigned char, 16> bytes{};
  // Up to 256 bytes come whole or not at all.
  while (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    if (errno != EINTR) return fail(Why::failed, "cannot choose a random name: " + system_text(errno));
  }
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);  // version 4
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);  // the variant of RFC 9562
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[bytes[i] >> 4U];
    text += digits[bytes[i] & 0x0FU];
  }
  return text;
}

}  // namespace fettle::system
