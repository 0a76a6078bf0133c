// YAML as we allow it: one plain tree of values with places, made without ever following an alias.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "profile/complaint.h"

namespace fettle::profile {

inline constexpr Bytes largest_file =
    256_KiB;  // the compatibility table has 40 KiB; 10 MB take 515 MB of memory
inline constexpr std::size_t deepest_level = 32;       // our own files use 6
inline constexpr std::size_t most_values = 100'000;    // in 256 KiB more are possible
inline constexpr std::size_t most_complaints = 1'000;  // of one file

struct Place {
  int line = 0;    // from 1
  int column = 0;  // from 1, in bytes
};

struct Node {
  // `skipped`: there is a complaint about it already (an alias, a tag); whoever reads it says nothing more.
  enum class Kind { null, text, list, map, skipped };
  struct Entry;

  Kind kind = Kind::null;
  Place place;
  bool plain = false;          // a text without quotes: it may stand for a number or true and false
  std::string text;            // of a text, as written
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in their order, duplicates included

  // The first entry of that name, or nothing.
  const Node* find(std::string_view key) const;
};

struct Node::Entry {
  std::string key;
  Place place;
  Node value;
};

struct Parsed {
  Node root;
  Complaints complaints;  // when there is one about the text as a whole, `root` is null
};

Parsed parse(std::string_view text, std::string_view file);

// A piece of somebody's text for a message: cut to 60 bytes, nothing unprintable.
std::string shown(std::string_view text);

// Why the text cannot stand in a file or value of ours, with the offset, or npos: bytes that are not UTF-8,
// control characters and those that change the direction of writing. Tabs and line ends are fine only where
// `Lines::allowed`.
enum class Lines { allowed, refused };
struct Unprintable {
  std::size_t offset = std::string_view::npos;
  std::string what;
};
Unprintable find_unprintable(std::string_view text, Lines lines);

}  // namespace fettle::profile
