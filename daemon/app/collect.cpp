#include "app/collect.h"

#include "base/text.h"
#include "env/findings.h"
#include "profile/models.h"
#include "storage/look.h"
#include "storage/report.h"

namespace fettle::app {
namespace {

// What the rules for models set is the model's own; without sound rules nobody can tell which that is.
std::vector<std::string> variables_of_programs(const profile::Profile& profile, const system::Files& files) {
  const profile::LoadedModels models = profile::load_models(files);
  if (!models.tables) return {};
  std::vector<std::string> decided;
  for (const profile::EngineVariable& each : models.tables->rules.variables) decided.push_back(each.name);
  return env::watched(profile, decided);
}

collect::Wish wish_of(const profile::Profile& profile, const facts::Facts& facts,
                      const system::Files& files) {
  collect::Wish wish;
  wish.log_rules = profile.log_rules;
  if (profile.gpus) wish.variables = variables_of_programs(profile, files);
  if (!profile.cache) return wish;
  wish.cache = profile.cache->path;
  for (const profile::CacheDirectory& directory : profile.caches) wish.directories.push_back(directory.name);
  wish.is_on_drives = profile.cache->drives.has_value();
  if (const auto report = storage::read_report(files)) wish.generation = report->generation;
  if (!profile.cache->drives || !facts.drives) return wish;
  for (const facts::Drive& drive : *facts.drives) {
    const bool is_local = drive.transport.empty() || drive.transport == "pcie";
    if (is_local && storage::is_wanted(*profile.cache->drives, drive)) wish.drives.push_back(drive);
  }
  return wish;
}

}  // namespace

Collected collect(const system::System& system, collect::When when) {
  Collected result;
  auto loaded = profile::load(system.files);
  if (!loaded.profile) {
    result.complaints = std::move(loaded.complaints);
    result.came = Came::misconfigured;
    result.error =
        Error{Why::malformed,
              "cannot use the configuration: it has " + count_of(result.complaints.size(), "mistake"),
              "`fettle profile check` shows each with its place"};
    return result;
  }
  const facts::Facts facts = facts::gather(system.files);
  collect::Wish wish = wish_of(*loaded.profile, facts, system.files);
  wish.when = when;
  auto looked = collect::collect(system, facts, wish);
  if (!looked) {
    const Why why = looked.error().why;
    result.came = why == Why::timed_out ? Came::busy
                  : why == Why::denied  ? Came::not_permitted
                                        : Came::refused;
    result.error = looked.error();
    return result;
  }
  result.looked = std::move(*looked);
  result.came = Came::well;
  return result;
}

}  // namespace fettle::app
