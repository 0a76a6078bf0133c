#include "shelf/stage.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/names.h"
#include "shelf/jobs.h"
#include "shelf/layout.h"
#include "shelf/worker.h"
#include "system/lock.h"

namespace fettle::shelf {
namespace {

using namespace std::chrono_literals;

// One worker a shelf. The lock goes with the process, so a killed one does not block the next.
Result<Fd> take_lock(const system::System& system, std::string_view shelf) {
  const std::string state(names::stage_state);
  const std::string path = state.substr(0, state.find_last_of('/') + 1) + std::string(shelf) + ".lock";
  auto held = system::lock_file(system.files, path, system.clock, 0ms);
  if (held || held.error().why != Why::timed_out) return held;
  return fail(Why::refused, "cannot stage '" + std::string(shelf) + "': another worker is at it",
              "`fettle shelf show " + std::string(shelf) + "` shows how far it is");
}

}  // namespace

Result<Report> stage(const system::System& system, const profile::Profile& profile,
                     const profile::Shelf& shelf, const Options& options) {
  if (!profile.cache) {
    return fail(Why::missing, "cannot stage '" + shelf.name + "': the profile has no cache",
                "add 'cache' to the profile");
  }
  const Layout layout{profile.cache->path + "/hf"};
  // Provisioning makes this directory. Where it is missing, the cache is not mounted: nothing is written
  // beneath.
  const auto home = system.files.look(layout.home);
  if (!home || home->kind != system::Kind::directory) {
    return fail(Why::missing,
                "cannot stage '" + shelf.name + "': there is no directory '" + layout.home + "'",
                "is the cache mounted? `fettle provision --cache` makes its directories");
  }
  // Root could write it all, and the service would then stand before files that are not its own.
  if (system.files.is_the_machine() && ::geteuid() == 0 && home->uid != 0) {
    return fail(Why::denied,
                "cannot stage '" + shelf.name + "' as root: '" + layout.home + "' belongs to another user",
                "`systemctl start " + std::string(names::stage_unit) + shelf.name +
                    ".service` stages it as that user");
  }
  const auto lock = take_lock(system, shelf.name);
  if (!lock) return fail(lock.error());
  auto opened = Jobs::open(system.files, system.clock);
  if (!opened) return fail(while_doing("open the worker's records", opened.error()));
  Report report;
  report.shelf = shelf.name;
  report.source = shelf.source;
  report.store = opened->findings;
  report.started_at = system.clock.now();
  report.worker = ::getpid();
  if (!opened->jobs.writable()) {
    report.state = State::refused;
    report.error = Error{Why::refused, opened->findings.front().says, opened->findings.front().hint};
    report.updated_at = report.started_at;
    if (auto written = write_report(system.files, report); !written) return fail(written.error());
    return report;
  }
  // As the cache's own directory, but never writable for everybody.
  const mode_t mode = home->mode & ~static_cast<mode_t>(S_IWOTH);
  return Worker(system, profile, shelf, options, layout, mode, std::move(opened->jobs), std::move(report))
      .run();
}

}  // namespace fettle::shelf
