// The sub-commands of `fettle profile` that make, install and remove bundles.
#pragma once

#include <string>

#include "cli/command.h"
#include "cli/words.h"

namespace fettle::cli {

// What was typed.
struct BundleWords {
  std::string name;
  std::string version;
  std::string directory;
  std::string archive;
  std::string sha256;
  std::string signature;
  std::string key;
  bool is_dry_run = false;
};

void add_bundle_commands(Words& words, BundleWords& typed);

// Runs the one that was typed; it is among those that were added.
int run_bundle_command(Context& context, const std::string& verb, const BundleWords& typed);

}  // namespace fettle::cli
