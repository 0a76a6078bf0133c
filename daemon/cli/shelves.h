// What `fettle stage` and the verbs of `fettle shelf` share: finding a shelf, staging it, telling how it
// stands.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "profile/profile.h"
#include "shelf/shelf.h"
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
  std::string client;                     // path of `hf`
  std::vector<std::string> repositories;  // of adopt
  std::string action;                     // of client: install or show
  std::string wheelhouse;                 // of client install
  Bytes rate;                             // of scrub, a second
  bool anew = false;                      // --anew: lock asks the source
  bool apply = false;                     // --apply: gc and remove really remove
  bool detached = false;                  // --detached: gc takes revisions without a ref
  bool dry_run = false;                   // --dry-run: client install only says what it would run
  bool watch = false;                     // --watch
};

// The verbs that have a file of their own: cli/shelf_VERB.cpp.
int list_shelves(Context& context, const profile::Profile& profile, const ShelfWords& words);
int gc_shelves(Context& context, const profile::Profile& profile, const ShelfWords& words);
int remove_shelf(Context& context, const profile::Profile& profile, const ShelfWords& words);
int lock_shelf(Context& context, const profile::Profile& profile, const ShelfWords& words);
int adopt_cache(Context& context, const profile::Profile& profile, const ShelfWords& words);
int stage_and_watch(Context& context, const profile::Profile& profile, const ShelfWords& words);
int hold_shelf(Context& context, const profile::Profile& profile, const ShelfWords& words);
int resume_shelf(Context& context, const profile::Profile& profile, const ShelfWords& words);
int cancel_shelf(Context& context, const profile::Profile& profile, const ShelfWords& words);
int shelf_client(Context& context, const profile::Profile& profile, const ShelfWords& words);

// 0 ready, 75 when it goes on by itself later, else 2.
int stage_code(const shelf::Report& report);

// Tells on a terminal, on one line, how far reading or writing is: "verified 45 %, 1.2 GiB of 2.7 GiB".
// Silent elsewhere.
shelf::Hashed progress_line(Context& context, std::string_view done);

// "1.2 GiB of 4.0 GiB, 3 of 10 files".
std::string progress_of(const shelf::Report& report);

// The report, or {"shelf", "state": "unknown", "error"}.
boost::json::value report_json(const Result<shelf::Report>& report, std::string_view name);

}  // namespace fettle::cli
