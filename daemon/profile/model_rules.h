// Model rules: reading them with every contradiction in them.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "profile/models.h"
#include "profile/reading.h"

namespace fettle::profile {

// How sure a rule is: source = read in the code, recipe = a published configuration, derived = follows from
// the code, seed = the source document, belief = not verified.
inline constexpr std::array<std::string_view, 5> confidences{"source", "recipe", "derived", "seed", "belief"};

template <std::size_t n>
void read_word(Reading& reading, const Node& node, const std::string& what,
               const std::array<std::string_view, n>& words, std::string& out) {
  if (!is_text(reading, node, what)) return;
  std::string known;
  for (const std::string_view word : words) {
    if (word == node.text) {
      out = node.text;
      return;
    }
    known.append(known.empty() ? "" : ", ").append(word);
  }
  reading.complain(node.place, what + " cannot be '" + shown(node.text) + "'", "one of: " + known);
}

void read_range(Reading& reading, const Node& node, const std::string& what,
                std::optional<VersionRange>& out);
void read_engine(Reading& reading, const Node& node, const std::string& what, std::string& out);
void read_confidence(Reading& reading, const Node& node, const std::string& what, std::string& out);

// The keys `facts` and `rules`; everything else in `out` was read before.
void read_rules(Reading& reading, const Node& root, ModelRules& out);

}  // namespace fettle::profile
