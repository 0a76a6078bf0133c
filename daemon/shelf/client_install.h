// Client install: the hub's client in an environment of its own below /opt/fettle, from a pinned list with
// hashes; the system's Python is used but never changed.
//
// Each list gets a directory of its own, named by its hash, and the link /opt/fettle/hf leads to the one in
// use: a failed installation leaves the client that was there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shelf/requirements.h"
#include "system/runner.h"
#include "system/system.h"

namespace fettle::shelf {

inline constexpr std::string_view client_link = "/opt/fettle/hf";

// What the operator asks for.
struct InstallWish {
  std::string requirements;  // a file; empty = the site's, else the package's
  std::string wheelhouse;    // a directory with the wheels; empty = the registry
};

struct InstallPlan {
  std::string requirements;  // the file that was taken
  std::vector<Requirement> wanted;
  std::string directory;                  // "/opt/fettle/hf-0123456789ab"
  std::vector<system::Command> commands;  // empty when the client in use is of this list
};

// Reads only. missing without a list or without Python; refused when the list or what lies at the link cannot
// be used.
Result<InstallPlan> plan_install(const system::Files& files, const InstallWish& wish);

// Runs the commands, asks the new client for its version, and only then points the link at it.
Result<void> apply_install(const system::System& system, const InstallPlan& plan);

}  // namespace fettle::shelf
