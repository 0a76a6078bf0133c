// The environment of a running process: what it was started with.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "profile/profile.h"
#include "system/files.h"

namespace fettle::facts {

// It holds tokens too: show only names that somebody asks for.
struct Environment {
  std::vector<std::pair<std::string, std::string>> variables;

  // Null when it is not set. Of two of one name a program sees the first.
  const std::string* find(std::string_view name) const;
};

struct Process {
  unsigned pid = 0;
  std::string name;                             // "VLLM::EngineCor", from its comm; empty = not known
  profile::Scope where = profile::Scope::host;  // container: its control group is one of docker, podman, …
  unsigned parent = 0;                          // 0 = not known
  std::string command;                          // its arguments, at most 4 KiB; empty = not known
};

// missing when it is gone.
Result<Process> read_process(const system::Files& files, unsigned pid);

// missing when it is gone or has none, denied for processes of others without CAP_SYS_PTRACE, refused when a
// title was written over it, as engines do to name their workers (setproctitle).
Result<Environment> read_environment(const system::Files& files, unsigned pid);

}  // namespace fettle::facts
