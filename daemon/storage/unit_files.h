// Unit files: what we put below /etc/systemd/system when the configuration asks for it. A file that does not
// begin with our first line is somebody's, and is neither overwritten nor removed.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "system/files.h"

namespace fettle::storage {

inline constexpr std::string_view unit_directory = "/etc/systemd/system";
inline constexpr std::string_view our_first_line =
    "# Written by `fettle apply`, which also takes it away: /etc/fettle/fettle.yaml decides. Changes are "
    "lost.";

// A file that is wanted, with what it is good for: "docker.service waits for the cache".
struct UnitFile {
  std::string path;
  std::string content;  // without the first line
  std::string says;
};

// By path, what is there of the files that we may ever have written. An error when it could not be read.
using FoundUnitFiles = std::map<std::string, Result<std::string>>;

struct UnitFileStep {
  std::string path;
  std::string content;  // whole; empty = the file is removed
  std::string says;     // "write '/etc/…': docker.service waits for the cache"
};

struct UnitFilePlan {
  std::vector<UnitFileStep> steps;
  std::vector<Error> refused;  // somebody's file stands in our place, or cannot be read
};

UnitFilePlan plan_unit_files(const std::vector<UnitFile>& wanted, const FoundUnitFiles& found);

struct Arranged {
  std::string says;
  Outcome outcome = Outcome::failed;
  Error error;  // of failed and refused
};

// Goes on after a failure: each file stands for itself. A directory that is empty after a removal goes too.
std::vector<Arranged> apply(const UnitFilePlan& plan, const system::Files& files);

}  // namespace fettle::storage
