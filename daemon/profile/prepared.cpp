#include "profile/prepared.h"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <cstdio>

#include "base/json.h"

namespace fettle::profile {
namespace {

namespace json = boost::json;

constexpr std::uint64_t version = 1;

// FNV-1a: tells a text from the one it was a moment ago. Whoever can write the tree can write the text too.
std::string digest_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char character : text) hash = (hash ^ static_cast<unsigned char>(character)) * 1099511628211ULL;
  std::array<char, 40> out{};
  std::snprintf(out.data(), out.size(), "%016llx-%zu", static_cast<unsigned long long>(hash), text.size());
  return out.data();
}

// A node is [line, column], and then nothing, a text with 1 when it is plain, a list, or with 2 a map whose
// entries are [key, line, column, node].
json::array to_json(const Node& node) {
  json::array out{node.place.line, node.place.column};
  json::array inner;
  switch (node.kind) {
    case Node::Kind::null:
    case Node::Kind::skipped:
      return out;
    case Node::Kind::text:
      out.emplace_back(node.text);
      if (node.plain) out.emplace_back(1);
      return out;
    case Node::Kind::list:
      for (const Node& item : node.items) inner.emplace_back(to_json(item));
      out.emplace_back(std::move(inner));
      return out;
    case Node::Kind::map:
      for (const Node::Entry& entry : node.entries) {
        inner.emplace_back(
            json::array{entry.key, entry.place.line, entry.place.column, to_json(entry.value)});
      }
      out.emplace_back(std::move(inner));
      out.emplace_back(2);
      return out;
  }
  return out;
}

bool take_place(const json::value& line, const json::value& column, Place& place) {
  boost::system::error_code bad_line;
  boost::system::error_code bad_column;
  place = {line.to_number<int>(bad_line), column.to_number<int>(bad_column)};
  return !bad_line && !bad_column;
}

bool take(const json::value& value, Node& node);

bool take_entry(const json::value& value, Node::Entry& entry) {
  const json::array* const parts = value.if_array();
  if (parts == nullptr || parts->size() != 4 || !(*parts)[0].is_string()) return false;
  entry.key = std::string_view((*parts)[0].get_string());
  return take_place((*parts)[1], (*parts)[2], entry.place) && take((*parts)[3], entry.value);
}

bool take(const json::value& value, Node& node) {
  const json::array* const parts = value.if_array();
  if (parts == nullptr || parts->size() < 2 || parts->size() > 4) return false;
  if (!take_place((*parts)[0], (*parts)[1], node.place)) return false;
  if (parts->size() == 2) return true;
  boost::system::error_code err;
  const int mark = parts->size() == 4 ? (*parts)[3].to_number<int>(err) : 0;
  if (err) return false;
  if (const json::string* const text = (*parts)[2].if_string()) {
    node.kind = Node::Kind::text;
    node.text = std::string_view(*text);
    node.plain = mark == 1;
    return mark < 2;
  }
  const json::array* const inner = (*parts)[2].if_array();
  if (inner == nullptr || mark == 1) return false;
  node.kind = mark == 2 ? Node::Kind::map : Node::Kind::list;
  if (mark == 2) {
    node.entries.resize(inner->size());
    for (std::size_t at = 0; at < inner->size(); ++at) {
      if (!take_entry((*inner)[at], node.entries[at])) return false;
    }
  } else {
    node.items.resize(inner->size());
    for (std::size_t at = 0; at < inner->size(); ++at) {
      if (!take((*inner)[at], node.items[at])) return false;
    }
  }
  return true;
}

}  // namespace

std::string tree_text(std::string_view yaml, const Node& root) {
  return json::serialize(
             json::object{{"version", version}, {"of", digest_of(yaml)}, {"root", to_json(root)}}) +
         "\n";
}

std::optional<Node> read_tree(std::string_view tree, std::string_view yaml) {
  const auto value = parse_json(tree, "a tree");
  if (!value || json_count(*value, "version") != version || json_text(*value, "of") != digest_of(yaml))
    return std::nullopt;
  const json::value* const root = json_field(*value, "root");
  Node node;
  if (root == nullptr || !take(*root, node)) return std::nullopt;
  return node;
}

}  // namespace fettle::profile
