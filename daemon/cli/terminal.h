// Terminal: what may be written to one.
#pragma once

#include <string>
#include <string_view>

namespace fettle::cli {

// Control characters become blanks: what a file, a firmware or a worker said must not steer the terminal.
std::string for_terminal(std::string_view text);

}  // namespace fettle::cli
