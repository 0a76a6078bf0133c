// Report: how one shelf stands, as its worker publishes it below /run and everybody else reads it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/finding.h"
#include "profile/profile.h"
#include "system/files.h"

namespace fettle::shelf {

// wanted > resolved > fetching > verifying > ready. `failed`: somebody has to act. `refused`: a decision of
// ours, like no room. `held`: it goes on later by itself. `corrupt`: a blob was wrong and is fetched again.
enum class State { wanted, resolved, fetching, verifying, ready, failed, refused, held, corrupt };

std::string_view to_text(State state);
std::optional<State> state_of(std::string_view text);

// Nobody works on it any more.
constexpr bool is_at_rest(State state) {
  return state == State::ready || state == State::failed || state == State::refused || state == State::held;
}

struct Amount {
  Bytes bytes;
  std::uint64_t files = 0;
};

// A file that is on its way.
struct FileReport {
  std::string path;
  Bytes done;
  Bytes total;
};

struct RepositoryReport {
  std::string id;
  std::string revision;  // the commit once it is known, else what the profile says
  State state = State::wanted;
  Amount done;      // on disk, unfinished files included in the bytes
  Amount verified;  // equal to its name, now or earlier
  Amount total;     // zero until it is resolved
};

struct Report {
  std::string shelf;
  State state = State::wanted;
  profile::Source source = profile::Source::hub;
  std::vector<RepositoryReport> repositories;
  Amount done;
  Amount verified;
  Amount total;
  Bytes rate;                                                     // a second, over the last ten seconds
  std::optional<std::chrono::seconds> eta;                        // nothing while the rate is unknown
  std::vector<FileReport> current;                                // of the repository in work, at most eight
  std::optional<Error> error;                                     // why it failed, was refused or is held
  std::optional<std::chrono::system_clock::time_point> retry_at;  // when it is held
  std::vector<Finding> store;                                     // what was wrong with the worker's records
  std::chrono::system_clock::time_point started_at{};
  std::chrono::system_clock::time_point updated_at{};  // whole seconds
  pid_t worker = 0;
};

std::string to_json(const Report& report);

// missing when the worker has not reported since the boot; at most 4 MiB.
Result<Report> read_report(const system::Files& files, std::string_view shelf);
Result<void> write_report(const system::Files& files, const Report& report);

// Every shelf that the profile wants, by name.
using Reports = std::map<std::string, Result<Report>, std::less<>>;
Reports read_reports(const system::Files& files, const profile::Profile& profile);

// A worker reports at least once a second; two minutes of silence is a worker that hangs or is gone.
inline constexpr std::chrono::seconds report_expires_after{120};

// shelf.NAME for each wanted shelf, and shelf.store when a worker found its records broken.
Findings findings(const Reports& reports, const profile::Profile& profile,
                  std::chrono::system_clock::time_point now);

}  // namespace fettle::shelf
