// Usage: how much lies below a directory, counted file by file, within bounds.
//
// May hang for as long as the file system does, and takes seconds where there are many files: it runs in a
// child with a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "system/clock.h"
#include "system/files.h"

namespace fettle::system {

struct Usage {
  Bytes used;               // blocks of the files and directories; a file with several names counts once
  std::uint64_t files = 0;  // everything that is no directory, by its names
  bool whole = true;        // false: a limit ended it, so there is at least so much
};

struct UsageLimits {
  std::uint64_t entries = 2000000;
  std::chrono::seconds time{60};
};

// Follows no link and enters no other file system. What vanishes meanwhile is not counted; what may not be
// entered makes the result not whole.
Result<Usage> measure_usage(const Files& files, std::string_view directory, const Clock& clock,
                            UsageLimits limits = {});

}  // namespace fettle::system
