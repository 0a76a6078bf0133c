#include "base/unit_name.h"

#include <cctype>

namespace fettle {

std::string mount_unit_of(std::string_view path) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string name;
  for (const char c : path.substr(1)) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '/') {
      name += '-';
    } else if (std::isalnum(code) != 0 || c == '_' || c == ':' || (c == '.' && !name.empty())) {
      name += c;
    } else {
      name += std::string("\\x") + digits[code >> 4U] + digits[code & 15U];
    }
  }
  return name + ".mount";
}

}  // namespace fettle
