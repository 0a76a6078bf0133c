#include "app/provision.h"

#include <algorithm>

#include "app/drives.h"
#include "base/names.h"
#include "base/text.h"
#include "env/plan.h"
#include "facts/readers.h"
#include "storage/apply.h"
#include "storage/cache.h"
#include "storage/history.h"
#include "storage/look.h"
#include "storage/mount_point.h"
#include "system/lock.h"
#include "system/mount_point.h"

namespace fettle::app {
namespace {

using namespace std::chrono_literals;

constexpr auto other_provisioner =
    60s;  // mkfs of large drives takes seconds; a boot must not hang on it for ever
constexpr auto poll_interval = 200ms;

bool wants_drives(const profile::Profile& profile) {
  return profile.cache && profile.cache->drives;
}

bool has(const storage::Plan& plan, storage::Act act) {
  return std::any_of(plan.steps.begin(), plan.steps.end(),
                     [act](const storage::Step& step) { return step.act == act; });
}

// Some step writes to a drive, or makes the kernel take it.
bool touches_drives(const storage::Plan& plan) {
  return has(plan, storage::Act::assemble_array) ||
         std::any_of(plan.steps.begin(), plan.steps.end(),
                     [](const storage::Step& step) { return !step.destroys.empty(); });
}

// Nothing more is to be expected of the kernel and udev: the drives are there, and what is an array is
// assembled.
bool is_settled(const Looked& looked, const profile::Cache& cache) {
  if (looked.sight.blind || looked.sight.drives.size() < cache.drives->count) return false;
  if (has(looked.plan, storage::Act::assemble_array)) return false;
  return std::all_of(looked.sight.arrays.begin(), looked.sight.arrays.end(),
                     [](const storage::SeenArray& seen) { return storage::is_running(seen.array); });
}

// Looks until the node has settled, the same drives twice in a row, or the profile's patience ends.
Looked wait_for_drives(const system::System& system, const profile::Profile& profile,
                       const storage::Fresh& fresh) {
  const auto until = system.clock.steady() + std::chrono::seconds(profile.cache->wait_seconds);
  std::vector<std::string> before;
  while (true) {
    Looked looked = look_at_drives(system, profile, storage::Depth::quick, fresh);
    // A whole cache needs no second look: nothing will be written.
    if (looked.plan.verdict == storage::Verdict::same && !touches_drives(looked.plan)) return looked;
    std::vector<std::string> now = names_of(looked);
    if (is_settled(looked, *profile.cache) && now == before) return looked;
    if (system.clock.steady() >= until) return looked;
    before = std::move(now);
    system.clock.sleep_for(poll_interval);
  }
}

class Sequence {
 public:
  explicit Sequence(const system::System& system) : system_(system), began_(system.clock.steady()) {}

  Provisioned run(Phase phase, Mode mode) && {
    if (mode == Mode::act) {
      lock_ = system::lock_file(system_.files, names::provision_lock, system_.clock, other_provisioner);
      if (!lock_) return failed(came_of(lock_.error()), lock_.error());
    }
    auto loaded = profile::load(system_.files, profile::Tables::without_versions);
    if (!loaded.profile) {
      // The boot phase comes next, and reports it.
      return misconfigured(std::move(loaded.complaints), phase,
                           phase == Phase::mount_point ? Mode::dry_run : mode);
    }
    profile_ = std::move(*loaded.profile);
    const auto fresh = storage::choose_names();
    if (!fresh) return failed(Came::refused, fresh.error());
    if (phase == Phase::mount_point) {
      only_close_mount_point();
    } else if (phase == Phase::boot) {
      boot(*fresh, mode);
    } else {
      prepare(*fresh, mode);
    }
    return std::move(result_);
  }

 private:
  static Came came_of(const Error& error) {
    if (error.why == Why::timed_out) return Came::busy;
    return error.why == Why::denied ? Came::not_permitted : Came::refused;
  }

  Provisioned failed(Came came, Error error) {
    result_.came = came;
    result_.error = std::move(error);
    return std::move(result_);
  }

  Provisioned misconfigured(profile::Complaints complaints, Phase phase, Mode mode) {
    result_.complaints = std::move(complaints);
    result_.came = Came::misconfigured;
    result_.error =
        Error{Why::malformed,
              "cannot use the configuration: it has " + count_of(result_.complaints.size(), "mistake"),
              "`fettle profile check` shows each with its place"};
    result_.report.verdict = storage::to_text(storage::Verdict::unknown);
    storage::PhaseReport& now = phase == Phase::boot ? result_.report.boot : result_.report.cache;
    now.status = Status::fail;
    now.says = result_.error->said;
    now.hint = result_.error->hint;
    for (const profile::Complaint& complaint : result_.complaints)
      now.warnings.push_back(profile::to_text(complaint));
    finish(now, mode);
    return std::move(result_);
  }

  // --- the boot phase ---

  void boot(const storage::Fresh& fresh, Mode mode) {
    storage::Ending ending;
    if (!wants_drives(profile_)) {
      result_.plan = look_at_drives(system_, profile_, storage::Depth::quick, fresh).plan;
    } else if (mode == Mode::dry_run) {
      result_.plan = look_at_drives(system_, profile_, storage::Depth::thorough, fresh).plan;
    } else {
      ending = provision_drives(fresh);
    }
    result_.report = storage::report_of(result_.plan, ending, profile_);
    if (result_.plan.refusal) result_.error = result_.plan.refusal;
    if (ending.error) result_.error = ending.error;
    if (!mount_point_) result_.report.boot.warnings.push_back(mount_point_.error().said);
    if (mode == Mode::act && wants_drives(profile_)) remember(ending);
    result_.came = result_.error ? Came::refused : Came::well;
    keep_cache_phase();
    finish(result_.report.boot, mode);
  }

  // The report before this one is of this boot too, /run being empty after each. When it found the same cache
  // and nothing was to be done now, what the cache phase said then still holds.
  void keep_cache_phase() {
    const auto before = storage::read_report(system_.files);
    if (!before || result_.error || !result_.plan.steps.empty()) return;
    const storage::Report& now = result_.report;
    if (now.device.empty() || before->device != now.device || before->generation != now.generation) return;
    result_.report.cache = before->cache;
  }

  // Without its history a cache is as good as with it.
  void remember(const storage::Ending& ending) {
    const auto identity = facts::gather(system_.files).identity;
    const auto kept =
        storage::remember(system_, storage::evidence(result_.plan, ending, storage::Verb::provision,
                                                     identity ? identity->boot_id : std::string()));
    if (!kept) result_.report.boot.warnings.push_back(kept.error().said + ", the verdict is not remembered");
  }

  // A place that is refused is left as it is; the plan says why.
  void close_mount_point() {
    const auto mounts = facts::read_mounts(system_.files);
    if (storage::why_not_mounted_there(*profile_.cache, mounts, system_.files)) return;
    mount_point_ = storage::close_mount_point(*profile_.cache, system_.files);
  }

  void only_close_mount_point() {
    if (wants_drives(profile_)) close_mount_point();
    result_.came = mount_point_ ? Came::well : came_of(mount_point_.error());
    if (!mount_point_) result_.error = mount_point_.error();
  }

  storage::Ending provision_drives(const storage::Fresh& fresh) {
    close_mount_point();
    Looked looked = wait_for_drives(system_, profile_, fresh);
    result_.plan = std::move(looked.plan);
    if (is_good(result_.plan) && !touches_drives(result_.plan)) return storage::apply(result_.plan, system_);
    if (looked.sight.blind) return {};
    // From here on udev and other provisioners keep off, until the last step is done.
    const auto locks = system::DriveLocks::take(system_.files, names_of(looked), system_.clock, drive_locks);
    if (!locks) {
      result_.plan.refusal = while_doing("provision the cache", locks.error());
      return {};
    }
    wait_for_lookers(system_, names_of(looked));
    looked = look_at_drives(system_, profile_, storage::Depth::thorough, fresh);
    result_.plan = std::move(looked.plan);
    if (!is_good(result_.plan)) return {};
    return storage::apply(result_.plan, system_);
  }

  // --- the cache phase ---

  void prepare(const storage::Fresh& fresh, Mode mode) {
    // What the boot phase said stays in the report; directory mode has no boot phase.
    auto report = storage::read_report(system_.files);
    Looked looked = look_at_drives(system_, profile_, storage::Depth::quick, fresh);
    if (wants_drives(profile_) && report) {
      result_.report = std::move(*report);
    } else {
      result_.report = storage::report_of(looked.plan, {}, profile_);
      result_.report.boot.status = wants_drives(profile_) ? Status::unknown : result_.report.boot.status;
    }
    result_.plan = std::move(looked.plan);
    // cloud-init has written more of its files since the boot phase.
    result_.report.rivals = result_.plan.rivals;
    storage::PhaseReport& now = result_.report.cache;
    now = {};
    now.status = Status::pass;
    now.says = profile_.cache ? "the cache on '" + profile_.cache->path + "' is ready"
                              : "the profile wants no cache";
    if (mode == Mode::act) {
      if (profile_.cache && !wants_drives(profile_)) open_mount_point();
      prepare_directories(looked.facts, now);
      // Variables that lead to a cache which is not there would fill the root disk.
      if (!result_.error) write_environment(now);
      if (!result_.error) start_shelves(now);
    }
    if (result_.error) {
      now.status = Status::fail;
      now.says = result_.error->said;
      now.hint = result_.error->hint;
    } else if (!now.warnings.empty()) {
      now.status = Status::warn;
    }
    result_.came = result_.error ? came_of(*result_.error) : Came::well;
    finish(now, mode);
  }

  // A profile that wanted drives before may have closed the directory that is wanted now.
  void open_mount_point() {
    if (system_.files.is_the_machine())
      mount_point_ = system::open_mount_point(system_.files, profile_.cache->path);
    if (!mount_point_) result_.report.cache.warnings.push_back(mount_point_.error().said);
  }

  void prepare_directories(const facts::Facts& facts, storage::PhaseReport& now) {
    const storage::Prepared prepared = storage::prepare_cache(profile_, facts, system_);
    for (const storage::Applied& step : prepared.steps)
      now.steps.push_back({step.says, to_text(step.outcome)});
    now.warnings.insert(now.warnings.end(), prepared.warnings.begin(), prepared.warnings.end());
    if (!prepared.generation.empty()) result_.report.generation = prepared.generation;
    result_.error = prepared.error;
  }

  void write_environment(storage::PhaseReport& now) {
    for (const env::Applied& applied : env::apply(env::plan(profile_), system_.files)) {
      now.steps.push_back({"write '" + applied.what + "'", to_text(applied.outcome)});
      if (applied.outcome != Outcome::failed && applied.outcome != Outcome::refused) continue;
      now.warnings.push_back(applied.error.said);
    }
  }

  // Only on a node that systemd runs: in a captured one and in an image there is nobody to start them.
  void start_shelves(storage::PhaseReport& now) {
    if (!system_.files.is_the_machine()) return;
    if (const auto running = system_.files.exists("/run/systemd/system"); !running || !*running) return;
    for (const profile::Shelf& shelf : profile_.shelves) {
      const std::string unit = std::string(names::stage_unit) + shelf.name + ".service";
      const auto started =
          system_.runner.run({{"/usr/bin/systemctl", "start", "--no-block", "--", unit}, {}, 30s});
      const bool ok = started && started->exit_code == 0;
      now.steps.push_back({"start '" + unit + "'", to_text(ok ? Outcome::changed : Outcome::failed)});
      if (!ok) {
        now.warnings.push_back("cannot start '" + unit +
                               "': " + (started ? std::string(trim(started->err)) : started.error().said) +
                               ", the shelf stays as it is");
      }
    }
  }

  void finish(storage::PhaseReport& now, Mode mode) {
    now.at = system_.clock.now();
    now.duration = std::chrono::duration_cast<std::chrono::milliseconds>(system_.clock.steady() - began_);
    if (mode == Mode::dry_run) return;
    const auto written = storage::write_report(system_.files, result_.report);
    if (written || result_.error) return;
    result_.error = written.error();
    result_.came = Came::refused;
  }

  const system::System& system_;
  const std::chrono::steady_clock::time_point began_;
  Result<Fd> lock_ = Fd();
  Result<Outcome> mount_point_ = Outcome::already_so;
  profile::Profile profile_;
  Provisioned result_;
};

}  // namespace

Provisioned provision(const system::System& system, Phase phase, Mode mode) {
  return Sequence(system).run(phase, mode);
}

Provisioned look_at_storage(const system::System& system) {
  return Sequence(system).run(Phase::boot, Mode::dry_run);
}

}  // namespace fettle::app
