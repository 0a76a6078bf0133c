#include "cli/arrangement.h"

#include <algorithm>

#include "base/text.h"
#include "facts/readers.h"
#include "profile/arrangement.h"
#include "storage/consumers.h"
#include "storage/places.h"

namespace fettle::cli {
namespace {

struct Plans {
  storage::UnitFilePlan consumers;
  storage::PlacesPlan places;
};

Plans plans_for(const profile::Arrangement& wanted, const profile::Profile& profile,
                const system::Files& files) {
  const auto seen = storage::look_for_places(wanted.places, profile, facts::read_mounts(files), files);
  return {storage::plan_consumers(wanted.consumers, profile.cache, storage::look_for_drop_ins(files)),
          storage::plan_places(seen, profile.cache)};
}

Plans plans_for(const profile::Profile& profile, const system::Files& files) {
  const profile::LoadedArrangement loaded = profile::load_arrangement(files);
  if (loaded.arrangement) return plans_for(*loaded.arrangement, profile, files);
  Plans none;
  none.consumers.refused.push_back({Why::malformed, "cannot use the configuration: it has mistakes",
                                    "`fettle profile check` shows each with its place"});
  return none;
}

bool is_running(const system::System& system) {
  if (!system.files.is_the_machine()) return false;
  const auto runs = system.files.exists("/run/systemd/system");
  return runs && *runs;
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
  if (!is_running(system)) return;
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
  if (!has_changed || !is_running(system)) return all;
  if (const auto again = systemctl(system, {"daemon-reload"}); !again)
    all.push_back({"have systemd read its units again", Outcome::failed, again.error()});
  return all;
}

}  // namespace

std::vector<std::string> arrangement_lines(const profile::Profile& profile, const system::Files& files) {
  const Plans plans = plans_for(profile, files);
  std::vector<std::string> lines;
  for (const storage::UnitFileStep& step : plans.consumers.steps) lines.push_back(step.says);
  for (const Error& error : plans.consumers.refused) lines.push_back("refused: " + error.said);
  for (std::string& line : storage::to_lines(plans.places)) lines.push_back(std::move(line));
  return lines;
}

std::vector<storage::Arranged> arrange(const profile::Profile& profile, const system::System& system) {
  return done(plans_for(profile, system.files), system);
}

std::vector<storage::Arranged> take_arrangement_away(const system::System& system) {
  return done(plans_for({}, {}, system.files), system);
}

}  // namespace fettle::cli
