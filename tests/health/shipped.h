// The profile that the package ships for MI300X, with its real tables, for tests of what is judged by it.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>

#include "facts/kernel_log.h"
#include "profile/load.h"
#include "support/source.h"
#include "support/tree.h"

namespace fettle::test {

inline profile::Profile shipped_profile(const std::string& name = "mi300x") {
  Tree tree;
  tree.directory("/usr/share/fettle");
  std::filesystem::copy(fettle::test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
                        std::filesystem::copy_options::recursive);
  tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: " + name + "\n");
  const profile::Loaded loaded = profile::load(tree.files());
  for (const profile::Complaint& complaint : loaded.complaints) FAIL_CHECK(profile::to_text(complaint));
  REQUIRE(loaded.profile);
  return *loaded.profile;
}

// A kernel log in which nothing of note was found, looked at with the shipped rules.
inline facts::KernelLog quiet_kernel_log() {
  static const std::string rules = facts::digest_of(shipped_profile().log_rules);
  facts::KernelLog log;
  log.rules = rules;
  log.next = 1200;
  return log;
}

}  // namespace fettle::test
