// What `fettle stage` and `fettle shelf` share: finding a shelf, staging it, and telling how it ended.
#pragma once

#include <string_view>

#include "base/result.h"
#include "cli/command.h"
#include "profile/profile.h"
#include "shelf/stage.h"

namespace fettle::cli {

// The profile, or its first mistake; `fettle profile check` lists all.
Result<profile::Profile> load_profile(const Context& context);

// One of the profile's shelves; the error lists the known ones.
Result<profile::Shelf> find_shelf(const profile::Profile& profile, std::string_view name);

// Stages it and prints the outcome; gives the exit code.
int stage_shelf(Context& context, const profile::Profile& profile, const profile::Shelf& shelf,
                const shelf::Options& options);

}  // namespace fettle::cli
