// Html: a page in which what a node said can never become markup: markup is a literal of this program, all
// else is escaped.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fettle::cli {

// Only made of literals: a text that came at run time does not compile here.
class Markup {
 public:
  consteval Markup(const char* literal) : text_(literal) {}  // NOLINT(google-explicit-constructor)
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// & < > " ' as entities. Control characters, and those that turn the direction of what follows, become
// U+FFFD; a line feed stays.
std::string escaped(std::string_view text);

class Html {
 public:
  Html& markup(Markup literal);
  Html& text(std::string_view text);
  // `before`, the text, `after`.
  Html& around(Markup before, std::string_view text, Markup after);
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

enum class Kind { plain, number, code, status, bar };

struct Column {
  std::string name;
  Kind kind = Kind::plain;
};

// A bar as a part of the longest one, and a mark beside it: the same of the time before.
struct Bar {
  double part = 0;
  std::optional<double> mark;
};

struct Cell {
  Cell(std::string said) : text(std::move(said)) {}  // NOLINT(google-explicit-constructor)
  Cell(const char* said) : text(said) {}             // NOLINT(google-explicit-constructor)
  Cell(Bar drawn) : bar(drawn) {}                    // NOLINT(google-explicit-constructor)

  std::string text;
  std::optional<Bar> bar;
};

using Row = std::vector<Cell>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// On a narrow page each row becomes a block, and the cells carry the names of their columns.
void add_table(Html& html, const std::vector<Column>& columns, const std::vector<Row>& rows);

// Terms and what they are; those without a text are left out.
void add_pairs(Html& html, const Pairs& pairs);

// The word of a status in its colour: "ready", "fail", "not_applicable".
void add_status(Html& html, std::string_view word);

// "37.25": a share of 100, for SVG.
std::string percent_of(double part);

}  // namespace fettle::cli
