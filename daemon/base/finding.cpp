#include "base/finding.h"

#include <algorithm>

namespace fettle {

std::string_view to_text(Status status) {
  switch (status) {
    case Status::pass:
      return "pass";
    case Status::not_applicable:
      return "not_applicable";
    case Status::warn:
      return "warn";
    case Status::unknown:
      return "unknown";
    case Status::fail:
      return "fail";
  }
  return "unknown";
}

Status worst(const Findings& findings) {
  if (findings.empty()) return Status::unknown;
  Status result = Status::pass;
  for (const NamedFinding& named : findings) {
    // "Nothing to look at here" never makes a node worse.
    if (named.finding.status != Status::not_applicable) result = std::max(result, named.finding.status);
  }
  return result;
}

}  // namespace fettle
