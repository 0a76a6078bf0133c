#include "base/version_range.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace fettle {

Result<Version> parse_release(std::string_view text) {
  std::string plain(text.substr(text.substr(0, 1) == "v" ? 1 : 0));
  constexpr std::string_view post = ".post";
  if (const auto at = plain.find(post); at != std::string::npos) plain.replace(at, post.size(), ".");
  return parse_version(plain);
}

void VersionRange::raise(Bound bound) {
  if (low_ && (low_->version > bound.version || (low_->version == bound.version && !low_->is_inside))) return;
  low_ = std::move(bound);
}

void VersionRange::lower(Bound bound) {
  if (high_ && (high_->version < bound.version || (high_->version == bound.version && !high_->is_inside)))
    return;
  high_ = std::move(bound);
}

bool VersionRange::is_empty() const {
  if (!low_ || !high_) return false;
  if (low_->version == high_->version) return !low_->is_inside || !high_->is_inside;
  return low_->version > high_->version;
}

Result<VersionRange> VersionRange::parse(std::string_view text) {
  const auto refuse = [&](const std::string& reason) {
    return fail(Why::malformed, "cannot read '" + std::string(text) + "' as a range of versions: " + reason,
                "bounds with >=, >, <=, < or ==, separated by commas: >=0.11.0,<0.12");
  };
  VersionRange range;
  range.text_ = std::string(text);
  for (const std::string_view part : split(text, ',')) {
    const std::string_view bound = trim(part);
    const auto digits = bound.find_first_not_of("<>=");
    const std::string_view sign = bound.substr(0, digits);
    if (digits == std::string_view::npos) return refuse("a bound has no version");
    auto version = parse_release(bound.substr(digits));
    if (!version) return refuse("'" + std::string(bound.substr(digits)) + "' is no version");
    if (sign == ">=" || sign == ">") {
      range.raise({*version, sign == ">="});
    } else if (sign == "<=" || sign == "<") {
      range.lower({*version, sign == "<="});
    } else if (sign == "==") {
      range.raise({*version, true});
      range.lower({*version, true});
    } else {
      return refuse("'" + std::string(bound) + "' begins with no comparison");
    }
  }
  if (range.is_empty()) return refuse("no version fits it");
  return range;
}

bool VersionRange::contains(const Version& version) const {
  if (low_ && (version < low_->version || (version == low_->version && !low_->is_inside))) return false;
  return !high_ || version < high_->version || (version == high_->version && high_->is_inside);
}

bool VersionRange::meets(const VersionRange& other) const {
  VersionRange both = *this;
  if (other.low_) both.raise(*other.low_);
  if (other.high_) both.lower(*other.high_);
  return !both.is_empty();
}

}  // namespace fettle
