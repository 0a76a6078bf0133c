#include "base/yaml_text.h"

namespace fettle {

std::string yaml_text(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') quoted += '\\';
    if (byte < ' ' || byte == 0x7f) {
      quoted += std::string("\\x") + digits[byte >> 4U] + digits[byte & 15U];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string compose_text(std::string_view text) {
  std::string doubled;
  for (const char c : text) doubled += c == '$' ? std::string("$$") : std::string(1, c);
  return yaml_text(doubled);
}

}  // namespace fettle
