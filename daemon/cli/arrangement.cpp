#include "cli/arrangement.h"

#include <algorithm>

#include "base/text.h"
#include "facts/readers.h"
#include "profile/arrangement.h"
#include "storage/consumers.h"
#include "storage/mount_point.h"
#include "storage/mount_units.h"
#include "storage/places.h"

namespace fettle::cli {
namespace {

constexpr std::string_view reading_again = "have systemd read where the cache is mounted";

enum class Units { as_they_are, to_be_read_again };

struct Plans {
  storage::UnitFilePlan consumers;
  storage::PlacesPlan places;
  Units units = Units::as_they_are;           // systemd knows where the cache is to be mounted
  std::vector<std::string> old_mount_points;  // bare ones, of configurations before this
};

bool runs_systemd(const system::Files& files) {
  if (!files.is_the_machine()) return false;
  const auto runs = files.exists("/run/systemd/system");
  return runs && *runs;
}

void look_at_the_mount(Plans& plans, const profile::Profile& profile, const system::Files& files) {
  // In a captured machine nobody but a test plays systemd's generators.
  const auto again = storage::is_to_be_read_again(profile, files);
  if (runs_systemd(files) && (!again || *again)) plans.units = Units::to_be_read_again;
  auto old = storage::old_mount_points(profile.cache, facts::read_mounts(files), files);
  if (old) {
    plans.old_mount_points = std::move(*old);
  } else {
    plans.consumers.refused.push_back(while_doing("look for old mount points", old.error()));
  }
}

Plans plans_for(const profile::Arrangement& wanted, const profile::Profile& profile,
                const system::Files& files) {
  const auto seen = storage::look_for_places(wanted.places, profile, facts::read_mounts(files), files);
  Plans plans;
  plans.consumers =
      storage::plan_consumers(wanted.consumers, profile.cache, storage::look_for_drop_ins(files));
  plans.places = storage::plan_places(seen, profile.cache);
  return plans;
}

Plans plans_for(const profile::Profile& profile, const system::Files& files) {
  const profile::LoadedArrangement loaded = profile::load_arrangement(files);
  if (loaded.arrangement) {
    Plans plans = plans_for(*loaded.arrangement, profile, files);
    look_at_the_mount(plans, profile, files);
    return plans;
  }
  Plans none;
  none.consumers.refused.push_back({Why::malformed, "cannot use the configuration: it has mistakes",
                                    "`fettle profile check` shows each with its place"});
  return none;
}

Result<void> systemctl(const system::System& system, std::vector<std::string> words) {
  std::vector<std::string> line{"/usr/bin/systemctl"};
  line.insert(line.end(), words.begin(), words.end());
  const auto done = system.runner.run({line, {}, std::chrono::minutes(2)});
  if (!done) return fail(done.error());
  if (done->exit_code == 0) return {};
  return fail(Why::failed, "cannot " + words.front() + ": " + std::string(trim(done->err)),
              "`systemctl " + words.front() + "` tells more");
}

// A mount whose unit goes or changes is unmounted first; while somebody uses it, its unit stays.
void unmount_what_changes(storage::UnitFilePlan& plan, const system::System& system) {
  if (!runs_systemd(system.files)) return;
  const auto stays = [&](const storage::UnitFileStep& step) {
    const auto is_there = system.files.exists(step.path);
    if (!step.path.ends_with(".mount") || !is_there || !*is_there) return false;
    const auto stopped = systemctl(system, {"stop", step.path.substr(step.path.rfind('/') + 1)});
    if (!stopped) plan.refused.push_back(while_doing(step.says, stopped.error()));
    return !stopped;
  };
  std::erase_if(plan.steps, stays);
}

std::vector<storage::Arranged> done(Plans plans, const system::System& system) {
  unmount_what_changes(plans.places.units, system);
  std::vector<storage::Arranged> all = storage::apply(plans.consumers, system.files);
  for (storage::Arranged& one : storage::apply(plans.places, system.files)) all.push_back(std::move(one));
  const bool has_changed = std::any_of(
      all.begin(), all.end(), [](const storage::Arranged& one) { return one.outcome == Outcome::changed; });
  // Below another root there is no systemd that could read them, nor in an image that is being made.
  const bool reads_again = has_changed || plans.units == Units::to_be_read_again;
  if (reads_again && runs_systemd(system.files)) {
    if (const auto again = systemctl(system, {"daemon-reload"}); !again) {
      all.push_back({std::string(reading_again), Outcome::failed, again.error()});
    } else if (plans.units == Units::to_be_read_again) {
      all.push_back({std::string(reading_again), Outcome::changed, {}});
    }
  }
  // Last: nobody's unit names them any more.
  for (storage::Arranged& one : storage::remove_mount_points(plans.old_mount_points, system.files))
    all.push_back(std::move(one));
  return all;
}

}  // namespace

std::vector<std::string> arrangement_lines(const profile::Profile& profile, const system::Files& files) {
  const Plans plans = plans_for(profile, files);
  std::vector<std::string> lines;
  for (const storage::UnitFileStep& step : plans.consumers.steps) lines.push_back(step.says);
  for (const Error& error : plans.consumers.refused) lines.push_back("refused: " + error.said);
  for (std::string& line : storage::to_lines(plans.places)) lines.push_back(std::move(line));
  if (plans.units == Units::to_be_read_again) lines.emplace_back(reading_again);
  for (const std::string& path : plans.old_mount_points)
    lines.push_back("remove the bare mount point '" + path + "'");
  return lines;
}

std::vector<storage::Arranged> arrange(const profile::Profile& profile, const system::System& system) {
  return done(plans_for(profile, system.files), system);
}

std::vector<storage::Arranged> take_arrangement_away(const system::System& system) {
  return done(plans_for({}, {}, system.files), system);
}

}  // namespace fettle::cli
