// What `fettle host apply` and `fettle host revert` would do: which of our files get which content, and which
// values are set at once.
#pragma once

#include <string>
#include <vector>

#include "facts/facts.h"
#include "host/ours.h"
#include "profile/profile.h"

namespace fettle::host {

// A file of ours that is to become like this. An empty content removes it.
struct FileStep {
  std::string path;
  std::string content;
  std::vector<std::string> settings;  // which it holds
};

// A value of the running kernel.
struct ValueStep {
  std::string path;
  std::string value;
};

// What is left to people, and why.
struct Advice {
  std::string setting;
  std::string says;
};

struct Plan {
  std::vector<FileStep> files;
  std::vector<ValueStep> values;
  std::vector<Advice> advice;
  std::vector<Error> refused;  // somebody else's file in our place, a GPU in use

  bool changes_nothing() const { return files.empty() && values.empty(); }
};

// A setting that is right without us is left to whoever set it; one that this machine does not have is left
// out. What could not be looked at is advice, never written. The kernel command line is always advice.
Plan plan(const profile::Profile& profile, const facts::Facts& facts, const OurFiles& ours);

// Removes all of our files, and sets values back to what our files remember. What would change the partitions
// of GPUs in use stays as it is.
Plan plan_revert(const OurFiles& ours, const facts::Facts& facts);

}  // namespace fettle::host
