// Diff: what a process really has in its environment, against what it should have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "env/plan.h"
#include "facts/environment.h"
#include "system/system.h"

namespace fettle::env {

// Only names that somebody asks for are ever shown: an environment holds tokens too.
struct Running {
  std::string who;  // "process 4711 (vllm)", "container glm-4.6"
  Scope where = Scope::host;
  std::string image;  // of a container, as it was started; else empty
  facts::Environment environment;
};

// Of /proc/PID/environ: what the process was started with. One in a container is told by its cgroup.
Result<Running> of_process(const system::Files& files, unsigned pid);

// As docker, or podman, has it; malformed for what is no name or id of a container.
Result<Running> of_container(const system::System& system, std::string_view id);

// What should not be set, and why.
struct Unwanted {
  std::string name;
  std::string value;  // only this one; empty = any
  std::string why;
  std::string source;
};

// What the profile leaves alone, and variables that lead all images to one directory.
std::vector<Unwanted> unwanted(const profile::Profile& profile);

// The variables of the whole node that reach a process there.
std::vector<Variable> wanted(const profile::Profile& profile, Scope where);

enum class Difference {
  same,
  missing,   // it should be set, and is not
  other,     // it has another value
  unwanted,  // it is set, and is known to do harm or nothing
};
std::string_view to_text(Difference difference);

struct Compared {
  std::string name;
  Difference difference = Difference::same;
  std::string has;
  std::string wants;
  std::string why;
  std::string source;
};

// In the order of what is wanted, then what is not; a name that is wanted is never unwanted.
std::vector<Compared> compare(const Running& running, const std::vector<Variable>& wanted,
                              const std::vector<Unwanted>& unwanted);

}  // namespace fettle::env
