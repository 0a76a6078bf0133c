// Requirements: the pinned list of what makes up the hub's client; everything in it has a version and a hash.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fettle::shelf {

struct Requirement {
  std::string name;     // as the registry compares it: lower case, '-' for '_' and '.'
  std::string version;  // "1.23.0"
  unsigned hashes = 0;
};

// Reads a file as `uv pip compile --generate-hashes` writes it. refused, with file and line, for anything
// that has no exact version or no sha256, and for options: they could send the installer elsewhere.
Result<std::vector<Requirement>> parse_requirements(std::string_view text, std::string_view path);

}  // namespace fettle::shelf
