#include "cli/status_frame.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/status_page.h"
#include "support/golden.h"

using namespace fettle;
using namespace fettle::cli;

namespace {

// Escape and carriage return as one can read them.
std::string visible(const std::string& frame) {
  std::string text;
  for (const char c : frame) {
    if (c == '\x1B') {
      text += "<esc>";
    } else if (c == '\r') {
      text += "<cr>";
    } else {
      text += c;
    }
  }
  return text + "\n";
}

// A terminal of a few rows that understands what a frame says, and holds what a person sees.
class Terminal {
 public:
  explicit Terminal(ScreenSize size) : size_(size), rows_(size.rows, std::string(size.columns, '#')) {}

  void print(const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      if (bytes[at] == '\x1B') {
        const std::size_t last = bytes.find_first_of("hlmHJK", at);
        REQUIRE(last != std::string::npos);
        obey(bytes.substr(at + 2, last - at - 2), bytes[last]);
        at = last;
      } else if (bytes[at] == '\r') {
        column_ = 0;
      } else if (bytes[at] == '\n') {
        REQUIRE(row_ + 1 < size_.rows);  // it would scroll
        ++row_;
      } else {
        REQUIRE(column_ < size_.columns);  // it would wrap
        rows_[row_][column_++] = bytes[at];
      }
    }
  }

  const std::vector<std::string>& rows() const { return rows_; }

 private:
  void obey(const std::string& words, char verb) {
    if (verb == 'H') {
      row_ = words.empty() ? 0 : *to_number<std::size_t>(words.substr(0, words.find(';'))) - 1;
      column_ = 0;
    }
    if (verb != 'K' && verb != 'J') return;
    REQUIRE(column_ < size_.columns);  // some terminals would take the last letter away
    std::fill(rows_[row_].begin() + static_cast<std::ptrdiff_t>(column_), rows_[row_].end(), ' ');
    if (verb == 'J')
      std::fill(rows_.begin() + static_cast<std::ptrdiff_t>(row_) + 1, rows_.end(),
                std::string(size_.columns, ' '));
  }

  ScreenSize size_;
  std::vector<std::string> rows_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
};

std::vector<std::string> drawn(const std::string& page, ScreenSize size) {
  Terminal terminal(size);
  terminal.print(status_frame(page, "q quits", size));
  return terminal.rows();
}

}  // namespace

TEST_CASE("status frame: the bytes that a terminal gets") {
  const std::string page = "\x1B[32mready\x1B[0m    all is there\n\ncache    /srv/fettle\n";
  test::check_golden("cli-status-frame.txt", visible(status_frame(page, "q quits", {40, 8})));
}

TEST_CASE("status frame: a person sees the page, the footer, and nothing of the picture before") {
  using Rows = std::vector<std::string>;
  CHECK(drawn("ready\n\ncache\n", {8, 5}) ==
        Rows{"ready   ", "        ", "cache   ", "        ", "q quits "});
  CHECK(drawn("", {8, 2}) == Rows{"        ", "q quits "});
  CHECK(drawn("one\ntwo\n", {8, 3}) == Rows{"one     ", "two     ", "q quits "});
}

TEST_CASE("status frame: what does not fit is cut and counted, and never wraps or scrolls") {
  using Rows = std::vector<std::string>;
  CHECK(drawn("12345678\n123456789\n", {8, 3}) == Rows{"12345678", "12345678", "q quits "});
  CHECK(drawn("1\n2\n3\n4\n", {48, 4}) ==
        Rows{"1" + std::string(47, ' '), "2" + std::string(47, ' '),
             "... 2 more lines: make the window taller" + std::string(8, ' '),
             "q quits" + std::string(41, ' ')});
  std::string page;
  for (int i = 0; i < 30; ++i) page += std::string(static_cast<std::size_t>(i) * 4, 'x') + "\n";
  for (const std::size_t columns : {1U, 7U, 80U, 300U}) {
    for (const std::size_t rows : {2U, 3U, 24U, 31U, 60U}) {
      CAPTURE(columns);
      CAPTURE(rows);
      CHECK(drawn(page, {columns, rows}).size() == rows);
    }
  }
}

TEST_CASE("status frame: a smaller window after a larger one keeps nothing of it") {
  Terminal terminal({20, 6});
  terminal.print(status_frame("a long line of text\nb\nc\nd\n", "q quits", {20, 6}));
  terminal.print(status_frame("short\n", "q quits", {20, 6}));
  CHECK(trim(terminal.rows()[0]) == "short");
  for (std::size_t row = 1; row < 5; ++row) CHECK(trim(terminal.rows()[row]).empty());
}

TEST_CASE("status frame: letters are counted, not bytes, and colours end where the line is cut") {
  CHECK(cut_to("\xC3\xA4\xC3\xB6\xC3\xBC", 2) == "\xC3\xA4\xC3\xB6");
  CHECK(cut_to("\x1B[31mfailed\x1B[0m", 3) == "\x1B[31mfai\x1B[0m");
  CHECK(cut_to("plain", 9) == "plain");
  CHECK(cut_to("cut \x1B[3", 9) == "cut \x1B[3\x1B[0m");
  CHECK(cut_to("", 0).empty());
}

TEST_CASE("status frame: an output that cannot be drawn over says why") {
  CHECK(why_no_redraw(Output::no_terminal).find("the output is no terminal") != std::string_view::npos);
  CHECK(why_no_redraw(Output::dumb).find("TERM") != std::string_view::npos);
}

TEST_CASE("status frame: a daemon that does not answer is a page of its own, as narrow as the window") {
  const Error error{Why::missing, "cannot open '/run/fettle': No such \x1B[2Jfile or directory",
                    "is the daemon running? `systemctl status fettled` tells"};
  const std::string page = no_status_page(error, Colour::off, 50);
  CHECK(page ==
        "unknown  cannot open '/run/fettle': No such\n"
        "         [2Jfile or directory\n"
        "         hint: is the daemon running? `systemctl\n"
        "               status fettled` tells\n"
        "         retrying each second\n");
}
