// Capture: a machine as a tar that is laid out as a --root tree, made of exactly what the readers looked at.
//
// Names of this machine and of people are replaced (scrub.h). What could not be read is there as something
// that cannot be read: a directory in place of a file, a file in place of a directory. /capture.json says
// what was left out and why.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "system/clock.h"
#include "system/files.h"

namespace fettle::facts {

struct CaptureLimits {
  std::size_t entries = 50000;
  Bytes one_file = 4_MiB;
  Bytes all = 64_MiB;
};

struct LeftOut {
  std::string path;
  std::string why;
};

struct Captured {
  std::size_t files = 0;
  Bytes size;                                     // of their texts
  std::vector<LeftOut> left_out;                  // by us
  std::vector<LeftOut> unreadable;                // by the machine
  std::map<std::string, std::uint64_t> replaced;  // different names, by sort
};

struct Capturing {
  std::string output;          // path of the archive; ".zst" at its end compresses it
  std::function<void()> look;  // reads everything that is to be captured
  CaptureLimits limits = {};
};

Result<Captured> capture(const system::Files& files, const system::Clock& clock, const Capturing& wanted);

}  // namespace fettle::facts
