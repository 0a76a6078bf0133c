// VersionRange: conditions on a version, all of which must hold: ">=0.11.0,<0.12".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/version.h"

namespace fettle {

// A release as projects write it: "v0.11.0", "0.1.5.post3" (later than 0.1.5). What follows the numbers, like
// "rc1" or "+rocm700", is kept but does not count.
Result<Version> parse_release(std::string_view text);

class VersionRange {
 public:
  // Bounds with >=, >, <=, < or ==, separated by commas. A range that no version fits is malformed.
  static Result<VersionRange> parse(std::string_view text);

  bool contains(const Version& version) const;
  // Some version lies in both.
  bool meets(const VersionRange& other) const;
  // As it was written; empty for the range of all versions.
  const std::string& text() const { return text_; }

 private:
  struct Bound {
    Version version;
    bool is_inside = false;  // the version itself fits
  };
  bool is_empty() const;
  void raise(Bound bound);
  void lower(Bound bound);

  std::optional<Bound> low_;
  std::optional<Bound> high_;
  std::string text_;
};

}  // namespace fettle
