#include "cli/status_frame.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"

namespace fettle::cli {
namespace {

// A terminal that knows synchronized output shows the picture when it is whole; others ignore these two.
constexpr std::string_view begin = "\x1B[?2026h";
constexpr std::string_view end = "\x1B[?2026l";
constexpr std::string_view home = "\x1B[H";
constexpr std::string_view clear_rest_of_line = "\x1B[K";
constexpr std::string_view clear_below = "\x1B[J";
constexpr std::string_view plain = "\x1B[0m";

struct Cut {
  std::string text;
  std::size_t columns = 0;
};

Cut cut(std::string_view line, std::size_t columns) {
  Cut result;
  bool is_coloured = false;
  for (std::size_t at = 0; at < line.size();) {
    std::size_t length = 1;
    if (line[at] == '\x1B') {
      const std::size_t last = line.find('m', at);
      length = last == std::string_view::npos ? line.size() - at : last - at + 1;
      is_coloured = true;
    } else {
      if (result.columns == columns) break;
      ++result.columns;
      while (at + length < line.size() && (static_cast<unsigned char>(line[at + length]) & 0xC0U) == 0x80U)
        ++length;
    }
    result.text += line.substr(at, length);
    at += length;
  }
  if (is_coloured) result.text += plain;
  return result;
}

// A line as wide as the screen leaves the cursor on its last letter, which clearing would take away.
std::string row_of(std::string_view line, std::size_t columns) {
  Cut row = cut(line, columns);
  if (row.columns < columns) row.text += clear_rest_of_line;
  return std::move(row.text);
}

}  // namespace

std::string_view why_no_redraw(Output output) {
  return output == Output::dumb ? "fettle: each page comes below the one before: TERM is 'dumb' or not set\n"
                                : "fettle: each page comes below the one before: the output is no terminal\n";
}

std::string cut_to(std::string_view line, std::size_t columns) {
  return cut(line, columns).text;
}

std::string status_frame(std::string_view page, std::string_view footer, ScreenSize size) {
  const std::vector<std::string_view> all = lines(page);
  const std::size_t room = std::max<std::size_t>(size.rows, 2) - 1;  // the last row is the footer's
  const std::size_t shown = all.size() <= room ? all.size() : room - 1;
  std::string frame(begin);
  frame += home;
  for (std::size_t i = 0; i < shown; ++i) frame += row_of(all[i], size.columns) + "\r\n";
  if (shown < all.size()) {
    const std::string rest = "... " + count_of(all.size() - shown, "more line") + ": make the window taller";
    frame += row_of(rest, size.columns) + "\r\n";
  }
  frame += clear_below;
  // The footer has its row however long the page is; no line end follows, which would scroll.
  frame += "\x1B[" + std::to_string(room + 1) + ";1H" + row_of(footer, size.columns);
  frame += end;
  return frame;
}

}  // namespace fettle::cli
