// Pattern: a POSIX extended regular expression that somebody wrote into a file of ours, for lines that nobody
// vouches for. What makes matching slow without end is refused: back references and counted repetitions.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"

struct re_pattern_buffer;

namespace fettle {

class Pattern {
 public:
  static Result<Pattern> compile(std::string_view text);

  // Whether it matches anywhere in the text, upper and lower case told apart.
  bool matches(std::string_view text) const;

  // What stands behind the first match; nothing when there is none.
  std::optional<std::string_view> behind(std::string_view text) const;

 private:
  struct Free {
    void operator()(re_pattern_buffer* compiled) const;
  };
  explicit Pattern(std::unique_ptr<re_pattern_buffer, Free> compiled) : compiled_(std::move(compiled)) {}

  std::unique_ptr<re_pattern_buffer, Free> compiled_;
};

}  // namespace fettle
