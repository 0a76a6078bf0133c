// What a check or finding reads, why it matters and what to do: the text of `fettle check --explain ID`.
#pragma once

#include <span>
#include <string_view>

namespace fettle {

struct Explanation {
  std::string_view id;
  std::string_view reads;
  std::string_view why;
  std::string_view advice;
};

// Null when none has this id.
constexpr const Explanation* find_explanation(std::span<const Explanation> explanations,
                                              std::string_view id) {
  for (const Explanation& one : explanations) {
    if (one.id == id) return &one;
  }
  return nullptr;
}

}  // namespace fettle
