#include "cli/html.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace fettle::cli {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

// U+202A to U+202E and U+2066 to U+2069: they would let a name look like another one.
bool turns_direction(std::string_view text) {
  if (text.size() < 3 || text[0] != '\xE2') return false;
  const auto second = static_cast<unsigned char>(text[1]);
  const auto third = static_cast<unsigned char>(text[2]);
  if (second == 0x80) return third >= 0xAA && third <= 0xAE;
  return second == 0x81 && third >= 0xA6 && third <= 0xA9;
}

// C1 controls are U+0080 to U+009F.
bool is_second_control(std::string_view text) {
  return text.size() >= 2 && text[0] == '\xC2' && static_cast<unsigned char>(text[1]) >= 0x80 &&
         static_cast<unsigned char>(text[1]) <= 0x9F;
}

Markup cell_of(Kind kind) {
  switch (kind) {
    case Kind::number:
      return "<td class=\"number\"";
    case Kind::code:
      return "<td class=\"code\"";
    case Kind::bar:
      return "<td class=\"bar\"";
    case Kind::plain:
    case Kind::status:
      break;
  }
  return "<td";
}

void add_bar(Html& html, const Bar& bar) {
  html.markup(
          "<svg class=\"bar\" role=\"presentation\"><rect class=\"done\" x=\"0\" y=\"4\" height=\"8\" "
          "width=\"")
      .text(percent_of(bar.part))
      .markup("%\"/>");
  if (bar.mark) {
    const std::string at = percent_of(*bar.mark);
    html.markup("<line class=\"before\" y1=\"0\" y2=\"16\" x1=\"")
        .text(at)
        .markup("%\" x2=\"")
        .text(at)
        .markup("%\"/>");
  }
  html.markup("</svg>");
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char c = text.front();
    std::size_t length = 1;
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == '\x7F') {
      out += replacement;
    } else if (turns_direction(text)) {
      out += replacement;
      length = 3;
    } else if (is_second_control(text)) {
      out += replacement;
      length = 2;
    } else {
      out += c;
    }
    text.remove_prefix(length);
  }
  return out;
}

Html& Html::markup(Markup literal) {
  out_ += literal.text();
  return *this;
}

Html& Html::text(std::string_view text) {
  out_ += escaped(text);
  return *this;
}

Html& Html::around(Markup before, std::string_view text, Markup after) {
  return markup(before).text(text).markup(after);
}

void add_table(Html& html, const std::vector<Column>& columns, const std::vector<Row>& rows) {
  html.markup("<table>\n<thead><tr>");
  for (const Column& column : columns) {
    html.markup(column.kind == Kind::number ? Markup("<th scope=\"col\" class=\"number\">")
                                            : Markup("<th scope=\"col\">"));
    html.text(column.name).markup("</th>");
  }
  html.markup("</tr></thead>\n<tbody>\n");
  for (const Row& row : rows) {
    html.markup("<tr>");
    for (std::size_t i = 0; i < row.size() && i < columns.size(); ++i) {
      html.markup(cell_of(columns[i].kind)).markup(" data-name=\"").text(columns[i].name).markup("\">");
      if (row[i].bar) {
        add_bar(html, *row[i].bar);
      } else if (columns[i].kind == Kind::status) {
        add_status(html, row[i].text);
      } else {
        html.text(row[i].text);
      }
      html.markup("</td>");
    }
    html.markup("</tr>\n");
  }
  html.markup("</tbody>\n</table>\n");
}

void add_pairs(Html& html, const Pairs& pairs) {
  html.markup("<dl class=\"pairs\">\n");
  for (const auto& [term, said] : pairs) {
    if (said.empty()) continue;
    html.around("<div><dt>", term, "</dt>").around("<dd>", said, "</dd></div>\n");
  }
  html.markup("</dl>\n");
}

void add_status(Html& html, std::string_view word) {
  constexpr std::array good{std::string_view("ready"), std::string_view("pass")};
  constexpr std::array bad{std::string_view("failed"), std::string_view("fail"), std::string_view("refused"),
                           std::string_view("corrupt")};
  const auto is_one_of = [&](const auto& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  if (word == "not_applicable") {
    html.markup("<span class=\"status quiet\">not here</span>");
    return;
  }
  html.markup(is_one_of(good)     ? Markup("<span class=\"status good\">")
              : is_one_of(bad)    ? Markup("<span class=\"status bad\">")
              : word == "unknown" ? Markup("<span class=\"status unknown\">")
                                  : Markup("<span class=\"status warn\">"));
  html.text(word).markup("</span>");
}

std::string percent_of(double part) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", 100.0 * std::clamp(part, 0.0, 1.0));
  return text.data();
}

}  // namespace fettle::cli
