// Status frame: one picture of `fettle status --watch` as the bytes that a terminal gets. It draws over the
// picture before, so that nothing flickers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace fettle::cli {

// Of the terminal, in characters.
struct ScreenSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

// The page cut to the screen, and at its bottom the footer. What does not fit is counted, not scrolled.
std::string status_frame(std::string_view page, std::string_view footer, ScreenSize size);

// Why a page comes below the other in this output; it is a line for the error stream.
std::string_view why_no_redraw(Output output);

// At most so many letters of UTF-8; colours take no room, and do not run on behind the cut.
std::string cut_to(std::string_view line, std::size_t columns);

}  // namespace fettle::cli
