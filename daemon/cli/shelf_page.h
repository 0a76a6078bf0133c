// Shelf page: one shelf on its way, as a page that is drawn over and over: bars, rate, time left; and the
// same as one line, where nothing can be drawn over.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "shelf/report.h"

namespace fettle::cli {

struct Paper {
  std::size_t width = 80;   // columns
  std::size_t height = 24;  // lines; the page takes fewer
  Glyphs glyphs = Glyphs::ascii;
  Colour colour = Colour::off;
};

// No line is longer than the paper is wide. Of many repositories those in work and the next ones.
std::vector<std::string> shelf_page(const shelf::Report& report, const Paper& paper);

// "fetching 45 %, 1.2 GiB of 2.7 GiB at 96.0 MiB/s, 16 s left".
std::string shelf_line(const shelf::Report& report);

// What a terminal needs to replace the page of `lines_before` lines by this one: one write, nothing is
// cleared that is not written anew, so nothing flickers.
std::string redraw(const std::vector<std::string>& page, std::size_t lines_before);

// A bar of `width` columns.
std::string bar_text(Bytes done, Bytes total, std::size_t width, Glyphs glyphs);

}  // namespace fettle::cli
