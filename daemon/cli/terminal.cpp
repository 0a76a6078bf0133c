#include "cli/terminal.h"

namespace fettle::cli {

std::string for_terminal(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = ' ';
  }
  return result;
}

}  // namespace fettle::cli
