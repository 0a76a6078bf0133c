#include "profile/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/node/node.h>  // parser.h only announces it, and clang-tidy then takes ours for it
#include <yaml-cpp/parser.h>

#include <sstream>

namespace fettle::profile {
namespace {

Place place_of(const YAML::Mark& mark) {
  return {mark.line + 1, mark.column + 1};
}

// Thrown through yaml-cpp to end the parsing; the complaint is written before.
struct Stop {};

// Builds our tree from yaml-cpp's events. yaml-cpp's own nodes are never made: in them an alias is a shared
// or even a circular reference, and a duplicate key is gone.
class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string_view file, Complaints& complaints) : file_(file), complaints_(complaints) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    complain(place_of(mark), "a second document begins here", "one document a file");
    throw Stop();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.place = place_of(mark);
    refuse_anchor(node.place, anchor);
    add(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    Node node;
    node.kind = Node::Kind::skipped;
    node.place = place_of(mark);
    complain(node.place, "an alias (*) is not allowed here", "write the value out");
    add(std::move(node));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node;
    node.kind = refuse_tag(place_of(mark), tag) ? Node::Kind::skipped : Node::Kind::text;
    node.place = place_of(mark);
    node.plain = tag == "?";
    node.text = value;
    refuse_anchor(node.place, anchor);
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(Node::Kind::list, place_of(mark), tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(Node::Kind::map, place_of(mark), tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  // A map or list that is not finished, and in a map the key whose value comes next.
  struct Level {
    Node node;
    Node key;
    bool has_key = false;
  };

  void complain(Place place, std::string what, std::string allowed) {
    if (complaints_.size() > most_complaints) return;
    complaints_.push_back({file_, place.line, place.column, std::move(what), std::move(allowed)});
  }

  void refuse_anchor(Place place, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
      complain(place, "an anchor (&) is not allowed here", "write values out where they are needed");
  }

  // "?" is a plain value, "!" a quoted one, "" is what older versions give for maps and lists.
  bool refuse_tag(Place place, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return false;
    complain(place, "a tag (" + shown(tag) + ") is not allowed here", "the key decides what a value is");
    return true;
  }

  void count(Place place) {
    if (++values_ <= most_values) return;
    complain(place, "there are more than " + std::to_string(most_values) + " values", "a smaller file");
    throw Stop();
  }

  void open(Node::Kind kind, Place place, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(place, tag);
    refuse_anchor(place, anchor);
    if (levels_.size() == deepest_level) {
      complain(place, "it is nested too deeply", "at most " + std::to_string(deepest_level) + " levels");
      throw Stop();
    }
    count(place);
    Level level;
    level.node.kind = kind;
    level.node.place = place;
    levels_.push_back(std::move(level));
  }

  void close() {
    Node node = std::move(levels_.back().node);
    levels_.pop_back();
    put(std::move(node));
  }

  void add(Node node) {
    count(node.place);
    put(std::move(node));
  }

  void put(Node node) {
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = levels_.back();
    if (level.node.kind == Node::Kind::list) {
      level.node.items.push_back(std::move(node));
    } else if (!level.has_key) {
      level.key = std::move(node);
      level.has_key = true;
    } else {
      level.has_key = false;
      if (key_is_good(level.key)) {
        level.node.entries.push_back({std::move(level.key.text), level.key.place, std::move(node)});
      }
    }
  }

  bool key_is_good(const Node& key) {
    if (key.kind == Node::Kind::skipped) return false;
    if (key.kind != Node::Kind::text) {
      complain(key.place, "a key must be a word", "one of those that are known here");
      return false;
    }
    if (key.plain && key.text == "<<") {
      complain(key.place, "a merge key (<<) is not allowed here", "write the keys out");
      return false;
    }
    return true;
  }

  std::string file_;
  Complaints& complaints_;
  Node root_;
  std::vector<Level> levels_;
  std::size_t documents_ = 0;
  std::size_t values_ = 0;
};

// Length of the UTF-8 sequence at the front and its code point; length 0 when it is none (overlong forms,
// surrogates and numbers above U+10FFFF included).
struct Character {
  std::size_t length = 0;
  char32_t code = 0;
};

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  char32_t code = lead & (0x7fU >> length);
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xc0U) != 0x80U) return {};
    code = code << 6U | (byte(at) & 0x3fU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return {};
  return {length, code};
}

std::string hex(unsigned value, int digits) {
  std::string out;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    out += "0123456789abcdef"[value >> static_cast<unsigned>(shift) & 0xfU];
  return out;
}

bool unprintable(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) ||  // C0, DEL, C1
         code == 0x2028 || code == 0x2029 ||              // line ends that editors do not count
         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||  // direction of writing
         code == 0xfeff;  // byte order mark: shows as nothing
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::string shown(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string out;
  while (!text.empty()) {
    const Character character = first_character(text);
    const std::size_t length = character.length == 0 ? 1 : character.length;
    const std::string piece =
        character.length == 0 || unprintable(character.code)
            ? "\\x" + hex(character.length == 0 ? static_cast<unsigned char>(text[0]) : character.code,
                          character.code > 0xff ? 4 : 2)
            : std::string(text.substr(0, length));
    if (out.size() + piece.size() > longest) return out + "…";
    out += piece;
    text.remove_prefix(length);
  }
  return out;
}

Unprintable find_unprintable(std::string_view text, Lines lines) {
  for (std::size_t at = 0; at < text.size();) {
    const Character character = first_character(text.substr(at));
    if (character.length == 0) {
      return {at, "byte 0x" + hex(static_cast<unsigned char>(text[at]), 2) + " is not UTF-8"};
    }
    const bool line_end =
        text[at] == '\n' || text[at] == '\t' || (text[at] == '\r' && text.substr(at + 1, 1) == "\n");
    if (unprintable(character.code) && !(line_end && lines == Lines::allowed)) {
      return {at, "control character U+" + hex(character.code, 4)};
    }
    at += character.length;
  }
  return {};
}

Parsed parse(std::string_view text, std::string_view file) {
  Parsed parsed;
  const auto refuse = [&](Place place, std::string what, std::string allowed) {
    parsed.complaints.push_back(
        {std::string(file), place.line, place.column, std::move(what), std::move(allowed)});
    return parsed;
  };
  if (text.size() > largest_file.count) {
    return refuse({}, "the file is too large", "at most " + to_text(largest_file));
  }
  if (const Unprintable bad = find_unprintable(text, Lines::allowed); bad.offset != std::string_view::npos) {
    Place place{1, 1};
    for (const char character : text.substr(0, bad.offset)) {
      if (character == '\n') place = {place.line + 1, 0};
      ++place.column;
    }
    return refuse(place, bad.what, "printable UTF-8");
  }
  Builder builder(file, parsed.complaints);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    const bool first = parser.HandleNextDocument(builder);
    if (!first) return refuse({1, 1}, "the file is empty", "a map with the keys schema and kind");
    parser.HandleNextDocument(builder);
    parsed.root = builder.take();
  } catch (const Stop&) {
    return parsed;
  } catch (const YAML::Exception& err) {
    return refuse(err.mark.is_null() ? Place{} : place_of(err.mark), "this is not YAML: " + shown(err.msg),
                  {});
  }
  return parsed;
}

}  // namespace fettle::profile
