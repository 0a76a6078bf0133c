// Verbs: a table of a sub-command's verbs, each with words of its own, and the one that was typed.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/words.h"
#include "profile/profile.h"

namespace fettle::cli {

// One row. `Typed` is what any of the verbs may take.
template <class Typed>
struct Verb {
  std::string_view name;
  std::string_view says;
  void (*take)(Words& words, Typed& typed);
  int (*run)(Context& context, const profile::Profile& profile, const Typed& typed);
};

// Exactly one of them has to be typed. Each fills a Typed of its own: a default of one must not reach
// another.
template <class Typed, std::size_t count>
class Verbs {
 public:
  Verbs(const std::array<Verb<Typed>, count>& table, Words& words) : table_(table) {
    words.needs_one_verb();
    for (std::size_t i = 0; i < count; ++i) {
      Words& verb = words.verb(std::string(table[i].name), std::string(table[i].says));
      table[i].take(verb, typed_[i]);
      verbs_[i] = &verb;
    }
  }
  Verbs(const Verbs&) = delete;
  Verbs& operator=(const Verbs&) = delete;

  // Both after the words were read without a mistake.
  const Typed& typed() const { return typed_[at()]; }
  int run(Context& context, const profile::Profile& profile) const {
    return table_[at()].run(context, profile, typed());
  }

 private:
  std::size_t at() const {
    const auto given =
        std::find_if(verbs_.begin(), verbs_.end(), [](const Words* verb) { return verb->is_given(); });
    return static_cast<std::size_t>(given - verbs_.begin());
  }

  const std::array<Verb<Typed>, count>& table_;
  std::array<const Words*, count> verbs_{};
  std::array<Typed, count> typed_;
};

}  // namespace fettle::cli
