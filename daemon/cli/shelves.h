// What `fettle stage` and the verbs of `fettle shelf` share: finding a shelf, staging it, telling how it
// stands.
#pragma once

#include <boost/json/value.hpp>
#include <string>
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

// What the command line of a verb of `fettle shelf` says; each verb reads its part.
struct ShelfWords {
  std::string name;
  std::string file;
};

// The verbs that have a file of their own: cli/shelf_VERB.cpp.
int list_shelves(Context& context, const profile::Profile& profile, const ShelfWords& words);

// "1.2 GiB of 4.0 GiB, 3 of 10 files".
std::string progress_of(const shelf::Report& report);

// The report, or {"shelf", "state": "unknown", "error"}.
boost::json::value report_json(const Result<shelf::Report>& report, std::string_view name);

}  // namespace fettle::cli
