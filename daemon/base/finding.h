// A finding: one thing that was looked at, how it stands, and what to do. Any room may give one.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace fettle {

// `unknown` = could not look, not yet looked, or looked too long ago. `not_applicable` = nothing to look at
// here.
enum class Status { pass, not_applicable, warn, unknown, fail };

struct Finding {
  Status status = Status::unknown;
  std::string says = "not looked yet";
  std::string hint;
};

// A finding under the id that operators' scripts rely on ("driver.amdgpu"); ids are never renamed.
struct NamedFinding {
  std::string id;
  std::string title;
  Finding finding;
  std::chrono::system_clock::time_point checked_at{};
};

using Findings = std::vector<NamedFinding>;

// The finding of somebody who could not look: the reason is the error's own words.
inline Finding unknown(const Error& error) {
  return {Status::unknown, error.said, error.hint};
}

inline Finding not_applicable(std::string says) {
  return {Status::not_applicable, std::move(says), {}};
}

std::string_view to_text(Status status);

// The worst status of all; `unknown` for an empty list, because nothing was looked at.
Status worst(const Findings& findings);

}  // namespace fettle
