// Reading: from a tree of values to our structures, by tables of fields; every mistake becomes a complaint.
//
// Adding a key is one row: field<&Gpus::count, number<1, 64>>("count", Need::required).
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "profile/yaml.h"

namespace fettle::profile {

// Collects the complaints about one file.
class Reading {
 public:
  explicit Reading(std::string_view file) : file_(file) {}

  void complain(Place place, std::string what, std::string allowed = {});
  void add(Complaints complaints);
  const std::string& file() const { return file_; }

  // In the order of their places.
  Complaints take();

  // The file is the package's and was read before, when that was built: checks that take their time are done.
  void was_checked() { is_checked_ = true; }
  bool is_checked() const { return is_checked_; }

 private:
  std::string file_;
  Complaints complaints_;
  bool is_checked_ = false;
};

// A reader is `void (Reading&, const Node&, const std::string& what, M&)`; `what` names the value in
// messages:
// "'count'", "an entry of 'models'".

enum class Need { required, optional };

template <class T>
struct Field {
  std::string_view key;
  Need need = Need::optional;
  void (*read)(Reading&, const Node&, const std::string& what, T&) = nullptr;  // null: read elsewhere
};

namespace detail {
template <class T, class M>
T owner_of(M T::*);
}

template <auto member, auto reader>
constexpr auto field(std::string_view key, Need need = Need::optional) {
  using T = decltype(detail::owner_of(member));
  return Field<T>{key, need, [](Reading& reading, const Node& node, const std::string& what, T& out) {
                    reader(reading, node, what, out.*member);
                  }};
}

// Every file has these two; they are read before anything else.
template <class T>
constexpr Field<T> header(std::string_view key) {
  return {key, Need::required, nullptr};
}

// False, with a complaint, when the node is something else.
bool is_map(Reading& reading, const Node& node, const std::string& what);
bool is_list(Reading& reading, const Node& node, const std::string& what);
bool is_text(Reading& reading, const Node& node, const std::string& what);

namespace detail {
void complain_unknown(Reading& reading, const Node::Entry& entry, const std::string& known);
void complain_twice(Reading& reading, const Node::Entry& entry, Place first);
void complain_missing(Reading& reading, const Node& map, std::string_view key);
}  // namespace detail

// Reads a map by its table. False when it is no map.
template <class T, std::size_t n>
bool read_fields(Reading& reading, const Node& node, const std::string& what, T& out,
                 const std::array<Field<T>, n>& fields) {
  if (!is_map(reading, node, what)) return false;
  std::array<const Node::Entry*, n> seen{};
  for (const Node::Entry& entry : node.entries) {
    std::size_t at = 0;
    while (at < n && fields[at].key != entry.key) ++at;
    if (at == n) {
      std::string known;
      for (const Field<T>& each : fields) known.append(known.empty() ? "" : ", ").append(each.key);
      detail::complain_unknown(reading, entry, known);
    } else if (seen[at] != nullptr) {
      detail::complain_twice(reading, entry, seen[at]->place);
    } else {
      seen[at] = &entry;
      if (fields[at].read != nullptr) {
        fields[at].read(reading, entry.value, "'" + entry.key + "'", out);
      }
    }
  }
  for (std::size_t at = 0; at < n; ++at) {
    if (seen[at] == nullptr && fields[at].need == Need::required) {
      detail::complain_missing(reading, node, fields[at].key);
    }
  }
  return true;
}

// A kind of text: which ones fit, and how to say that.
struct Rule {
  bool (*fits)(std::string_view);
  std::string_view allowed;
};

void read_text(Reading& reading, const Node& node, const std::string& what, const Rule& rule,
               std::string& out);

template <const Rule& rule>
void text(Reading& reading, const Node& node, const std::string& what, std::string& out) {
  read_text(reading, node, what, rule, out);
}

// A decimal integer without leading zeros, sign + or exponent.
std::optional<long> read_number(Reading& reading, const Node& node, const std::string& what, long low,
                                long high);

template <long low, long high, class M = unsigned>
void number(Reading& reading, const Node& node, const std::string& what, M& out) {
  if (const auto value = read_number(reading, node, what, low, high)) out = static_cast<M>(*value);
}

void boolean(Reading& reading, const Node& node, const std::string& what, bool& out);
void bytes(Reading& reading, const Node& node, const std::string& what, Bytes& out);

// One of a table of words.
template <class E>
struct Word {
  std::string_view word;
  E value;
};

template <const auto& words, class E>
void choice(Reading& reading, const Node& node, const std::string& what, E& out) {
  if (!is_text(reading, node, what)) return;
  std::string known;
  for (const auto& each : words) {
    if (each.word == node.text) {
      out = each.value;
      return;
    }
    known.append(known.empty() ? "" : ", ").append(each.word);
  }
  reading.complain(node.place, what + " cannot be '" + shown(node.text) + "'", "one of: " + known);
}

// A list whose entries are added to those that are there.
template <auto reader, class M>
void more_of(Reading& reading, const Node& node, const std::string& what, std::vector<M>& out) {
  if (!is_list(reading, node, what)) return;
  for (const Node& item : node.items) reader(reading, item, "an entry of " + what, out.emplace_back());
}

// A list of whatever `reader` reads: list_of<text<pattern_rule>, std::string>.
template <auto reader, class M>
void list_of(Reading& reading, const Node& node, const std::string& what, std::vector<M>& out) {
  if (node.kind == Node::Kind::list) out.clear();
  more_of<reader, M>(reading, node, what, out);
}

// The same, but an empty list is a mistake.
template <auto reader, class M>
void some_of(Reading& reading, const Node& node, const std::string& what, std::vector<M>& out) {
  list_of<reader, M>(reading, node, what, out);
  if (node.kind == Node::Kind::list && node.items.empty()) {
    reading.complain(node.place, what + " is empty", "at least one entry");
  }
}

// Complains about each value that comes again, also in another file. `noun` says what it is: "the variable".
class Once {
 public:
  explicit Once(std::string noun) : noun_(std::move(noun)) {}
  // False when it was there before.
  bool see(Reading& reading, Place place, const std::string& value);

 private:
  std::string noun_;
  struct First {
    std::string file;
    Place place;
  };
  std::map<std::string, First> seen_;
};

}  // namespace fettle::profile
