#include "cli/arrangement.h"

#include <algorithm>

#include "base/text.h"
#include "profile/arrangement.h"
#include "storage/consumers.h"

namespace fettle::cli {
namespace {

storage::UnitFilePlan plan_for(const profile::Profile& profile, const system::Files& files) {
  const profile::LoadedArrangement loaded = profile::load_arrangement(files);
  if (!loaded.arrangement) {
    return {{},
            {{Why::malformed, "cannot use the configuration: it has mistakes",
              "`fettle profile check` shows each with its place"}}};
  }
  return storage::plan_consumers(loaded.arrangement->consumers, profile.cache,
                                 storage::look_for_drop_ins(files));
}

// Below another root there is no systemd that could read them, nor in an image that is being made.
Result<void> read_units_again(const system::System& system) {
  if (!system.files.is_the_machine()) return {};
  if (const auto runs = system.files.exists("/run/systemd/system"); !runs || !*runs) return {};
  const auto done = system.runner.run({{"/usr/bin/systemctl", "daemon-reload"}, {}, std::chrono::minutes(2)});
  if (!done) return fail(done.error());
  if (done->exit_code == 0) return {};
  return fail(Why::failed, "cannot have systemd read its units again: " + std::string(trim(done->err)),
              "`systemctl daemon-reload` does it");
}

std::vector<storage::Arranged> done(const storage::UnitFilePlan& plan, const system::System& system) {
  std::vector<storage::Arranged> all = storage::apply(plan, system.files);
  const bool has_changed = std::any_of(
      all.begin(), all.end(), [](const storage::Arranged& one) { return one.outcome == Outcome::changed; });
  if (!has_changed) return all;
  if (const auto again = read_units_again(system); !again)
    all.push_back({"have systemd read its units again", Outcome::failed, again.error()});
  return all;
}

}  // namespace

std::vector<std::string> arrangement_lines(const profile::Profile& profile, const system::Files& files) {
  const storage::UnitFilePlan plan = plan_for(profile, files);
  std::vector<std::string> lines;
  for (const storage::UnitFileStep& step : plan.steps) lines.push_back(step.says);
  for (const Error& error : plan.refused) lines.push_back("refused: " + error.said);
  return lines;
}

std::vector<storage::Arranged> arrange(const profile::Profile& profile, const system::System& system) {
  return done(plan_for(profile, system.files), system);
}

std::vector<storage::Arranged> take_arrangement_away(const system::System& system) {
  return done(storage::plan_consumers({}, std::nullopt, storage::look_for_drop_ins(system.files)), system);
}

}  // namespace fettle::cli
