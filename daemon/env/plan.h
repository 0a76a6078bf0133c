// The environment of a node: which variables are delivered, in which file, in which dialect; and the writing
// of it.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "profile/profile.h"
#include "system/files.h"

namespace fettle::env {

using profile::Scope;
using profile::Variable;

// One file below names::env_directory. Its whole content is decided before anything is written.
struct File {
  std::string path;
  std::string content;
  mode_t mode = 0644;  // a value here is no secret: every process of the node may read it
};

// What could not be taken from the profile. Such a variable is delivered nowhere, so that no two places
// disagree.
struct Refusal {
  std::string name;
  Error error;
};

struct Plan {
  std::vector<Variable> variables;  // in the order of the profile, then those of its cache directories
  std::vector<Refusal> refused;
  std::vector<File> files;
};

// The variables of profile.environment, and for each cache directory its variables set to the directory's
// path. Pure. A host variable is never in a container's file and the other way round; the same name may stand
// once for each.
Plan plan(const profile::Profile& profile);

// What apply() did with one file or, when `what` is a variable's name, with a refused variable.
struct Applied {
  std::string what;
  Outcome outcome = Outcome::failed;
  Error error;  // only for refused and failed
};

// Writes what differs. A file that could not be written does not stop the others.
std::vector<Applied> apply(const Plan& plan, const system::Files& files);

std::string_view to_text(Scope scope);  // "all", "host", "container"

}  // namespace fettle::env
