// The question that this node puts to the compatibility table.
#pragma once

#include <optional>
#include <vector>

#include "base/finding.h"
#include "facts/facts.h"
#include "health/compat.h"

namespace fettle::health {

// `instead` is there when the table cannot be asked: a part could not be read, or none of the table's kind
// runs. `question` then holds what is known.
struct Asked {
  Question question;
  std::optional<Finding> instead;
  bool rocm_is_known = false;  // also when it is known that there is none
};

Asked question_of(const facts::Facts& facts);

// The installation that counts: the default, or the only one; nothing when there are several.
const facts::Rocm* default_rocm(const std::vector<facts::Rocm>& rocm);
// What to say when there are several and none is the default.
Finding no_default(const std::vector<facts::Rocm>& rocm);

// True when the package that dpkg knows is the module that runs.
bool package_runs(const facts::Driver& driver, const facts::DriverPackage& package);

}  // namespace fettle::health
