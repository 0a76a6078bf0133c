// Judging: what one drive is, seen on its own. The plan puts the drives together.
#pragma once

#include <string>

#include "storage/look.h"

namespace fettle::storage {

// What a drive is in a plan.
enum class Role {
  ours,        // carries the UUID on record
  kin,         // carries the name of fettle's, but no record of ours knows it
  blank,       // looked at and found to be zeros, and nobody uses it
  foreign,     // holds something that is not ours
  unreadable,  // could not be looked at: never taken for blank
  busy,        // somebody uses it
  missing,     // on record, but not in the machine
  system,      // of a wanted model, but the system's own
  unwanted,    // of a model that the profile does not name
};

std::string_view to_text(Role role);

struct Judgement {
  Role role = Role::unreadable;
  std::string why;   // "xfs 'data'", "mounted on /"; empty when the role says it all
  std::string uuid;  // of the array or filesystem that an `ours` or `kin` drive belongs to
};

Judgement judge(const SeenDrive& seen, const Sight& sight, unsigned wanted_count);

}  // namespace fettle::storage
