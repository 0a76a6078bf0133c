#include "profile/reading.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"

namespace fettle::profile {
namespace {

// What YAML 1.1 or 1.2 would take for a number, a truth value or nothing. Such a text needs quotes: other
// programs that rewrite the file would turn 24.10 into 24.1 and NO into false.
bool means_something_else(std::string_view text) {
  static constexpr std::array words{"null", "true", "false", "yes", "no", "on", "off", "y", "n", "~"};
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (std::find(words.begin(), words.end(), lower) != words.end()) return true;
  std::string_view rest = lower;
  if (rest[0] == '+' || rest[0] == '-') rest.remove_prefix(1);
  if (rest == ".inf" || rest == ".nan") return true;
  if (rest.size() > 2 && rest[0] == '0' && (rest[1] == 'x' || rest[1] == 'o' || rest[1] == 'b')) {
    return rest.find_first_not_of("0123456789abcdef_", 2) == std::string_view::npos;
  }
  const auto digits = [&] {
    const std::size_t count = std::min(rest.find_first_not_of("0123456789_"), rest.size());
    rest.remove_prefix(count);
    return count;
  };
  std::size_t count = digits();
  if (!rest.empty() && rest[0] == '.') {
    rest.remove_prefix(1);
    count += digits();
  }
  if (count == 0) return false;
  if (!rest.empty() && rest[0] == 'e') {
    rest.remove_prefix(1);
    if (!rest.empty() && (rest[0] == '+' || rest[0] == '-')) rest.remove_prefix(1);
    return digits() > 0 && rest.empty();
  }
  return rest.empty();
}

std::string_view kind_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::text:
      return "a text";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a map";
    case Node::Kind::skipped:
      break;
  }
  return "something else";
}

bool is_kind(Reading& reading, const Node& node, const std::string& what, Node::Kind kind,
             std::string_view wanted) {
  if (node.kind == kind) return true;
  if (node.kind != Node::Kind::skipped) {
    reading.complain(node.place,
                     what + " must be " + std::string(wanted) + ", not " + std::string(kind_of(node)));
  }
  return false;
}

}  // namespace

void Reading::complain(Place place, std::string what, std::string allowed) {
  if (complaints_.size() > most_complaints) return;
  complaints_.push_back({file_, place.line, place.column, std::move(what), std::move(allowed)});
}

void Reading::add(Complaints complaints) {
  for (Complaint& complaint : complaints) complaints_.push_back(std::move(complaint));
}

Complaints Reading::take() {
  std::stable_sort(complaints_.begin(), complaints_.end(), [](const Complaint& a, const Complaint& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  if (complaints_.size() > most_complaints) {
    complaints_.resize(most_complaints);
    complaints_.push_back(
        {file_, 0, 0, "there are more mistakes than these " + std::to_string(most_complaints), {}});
  }
  return std::move(complaints_);
}

bool is_map(Reading& reading, const Node& node, const std::string& what) {
  return is_kind(reading, node, what, Node::Kind::map, "a map");
}

bool is_list(Reading& reading, const Node& node, const std::string& what) {
  return is_kind(reading, node, what, Node::Kind::list, "a list");
}

bool is_text(Reading& reading, const Node& node, const std::string& what) {
  if (!is_kind(reading, node, what, Node::Kind::text, "a text")) return false;
  if (node.plain && means_something_else(node.text)) {
    reading.complain(node.place, what + " must be a text, not " + shown(node.text),
                     "in quotes: \"" + shown(node.text) + "\"");
    return false;
  }
  return true;
}

namespace detail {

void complain_unknown(Reading& reading, const Node::Entry& entry, const std::string& known) {
  reading.complain(entry.place, "unknown key '" + shown(entry.key) + "'", "known here: " + known);
}

void complain_twice(Reading& reading, const Node::Entry& entry, Place first) {
  reading.complain(entry.place, "the key '" + shown(entry.key) + "' stands here a second time",
                   "first in line " + std::to_string(first.line) + ": keep one of them");
}

void complain_missing(Reading& reading, const Node& map, std::string_view key) {
  reading.complain(map.place, "the key '" + std::string(key) + "' is missing here");
}

}  // namespace detail

void read_text(Reading& reading, const Node& node, const std::string& what, const Rule& rule,
               std::string& out) {
  if (!is_text(reading, node, what)) return;
  if (const Unprintable bad = find_unprintable(node.text, Lines::refused);
      bad.offset != std::string_view::npos) {
    reading.complain(node.place, what + " contains a " + bad.what, "one line of printable text");
  } else if (!rule.fits(node.text)) {
    reading.complain(node.place, what + " cannot be '" + shown(node.text) + "'", std::string(rule.allowed));
  } else {
    out = node.text;
  }
}

std::optional<long> read_number(Reading& reading, const Node& node, const std::string& what, long low,
                                long high) {
  const std::string allowed = "a decimal number from " + std::to_string(low) + " to " + std::to_string(high);
  if (!is_kind(reading, node, what, Node::Kind::text, "a number")) return std::nullopt;
  if (!node.plain) {
    reading.complain(node.place, what + " must be a number, not a text in quotes", allowed);
    return std::nullopt;
  }
  const std::string_view text = node.text;
  const std::string_view digits = text.substr(text.substr(0, 1) == "-" ? 1 : 0);
  const bool decimal = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos &&
                       (digits.size() == 1 || digits[0] != '0');
  const auto value = to_number<long>(text);
  if (!decimal || !value || *value < low || *value > high) {
    reading.complain(node.place, what + " cannot be " + shown(text),
                     allowed + (decimal ? "" : ", digits only"));
    return std::nullopt;
  }
  return value;
}

void boolean(Reading& reading, const Node& node, const std::string& what, bool& out) {
  if (!is_kind(reading, node, what, Node::Kind::text, "true or false")) return;
  if (!node.plain || (node.text != "true" && node.text != "false")) {
    reading.complain(node.place, what + " cannot be " + (node.plain ? shown(node.text) : "a text in quotes"),
                     "true or false");
    return;
  }
  out = node.text == "true";
}

void bytes(Reading& reading, const Node& node, const std::string& what, Bytes& out) {
  if (!is_kind(reading, node, what, Node::Kind::text, "a size")) return;
  if (const auto size = parse_bytes(node.text)) {
    out = *size;
  } else {
    reading.complain(node.place, what + " cannot be '" + shown(node.text) + "'",
                     "a number and a unit: 512 MiB, 1.5 TB, 100 GiB");
  }
}

bool Once::see(Reading& reading, Place place, const std::string& value) {
  if (value.empty()) return true;  // there is a complaint about it
  const auto [at, fresh] = seen_.emplace(value, First{reading.file(), place});
  if (fresh) return true;
  const First& first = at->second;
  const std::string line = std::to_string(first.place.line);
  reading.complain(place, noun_ + " '" + shown(value) + "' stands here a second time",
                   "first in " + (first.file == reading.file() ? "line " + line : first.file + ":" + line) +
                       ": keep one of them");
  return false;
}

}  // namespace fettle::profile
