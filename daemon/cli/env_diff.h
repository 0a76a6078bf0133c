// fettle env diff: what a running process or container has, against what it should have.
#pragma once

#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/model_choice.h"

namespace fettle::cli {

struct DiffOptions {
  std::optional<unsigned> pid;
  std::string container;
  ModelOptions model;  // an empty name: only what the profile wants of the whole node
};

// 0 as it should be, 1 it differs, 2 something in it is known to be harmful or useless, 3 could not look.
int print_env_diff(Context& context, DiffOptions options);

}  // namespace fettle::cli
