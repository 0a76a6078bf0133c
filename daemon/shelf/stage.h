// Stage: the work of one shelf from wanted to ready; what fettle-stage@SHELF.service runs.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/result.h"
#include "profile/profile.h"
#include "shelf/report.h"
#include "system/system.h"

namespace fettle::shelf {

struct Options {
  std::string client;                            // path of `hf`; empty = the usual places
  std::chrono::seconds stall{180};               // without a new byte for so long, the client is stopped
  std::chrono::seconds insist{0};                // so long, a connection that breaks is tried again at once
  unsigned max_workers = 8;                      // files that the client loads at a time
  unsigned verify_threads = 0;                   // 0 = one a core, at most 16
  std::function<void(const Report&)> published;  // each report once more, for who watches; may be empty
};

// What `fettle stage` does: longer outages are the service manager's, which waits longer each time.
inline constexpr std::chrono::seconds usual_insistence{120};

// Does what is left to do and returns the last report. An error means that nothing could be reported: another
// worker holds the shelf (refused), the cache is not there (missing), the records cannot be opened.
// Everything else, failures included, is in the report's state. May be killed at any time and run again.
Result<Report> stage(const system::System& system, const profile::Profile& profile,
                     const profile::Shelf& shelf, const Options& options);

}  // namespace fettle::shelf
