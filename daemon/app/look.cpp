#include "app/look.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "app/facts_json.h"
#include "base/json.h"
#include "base/names.h"
#include "engine/findings.h"
#include "env/findings.h"
#include "env/plan.h"
#include "health/checks.h"
#include "health/deep.h"
#include "host/standing.h"
#include "images/report.h"
#include "profile/arrangement.h"
#include "profile/images.h"
#include "shelf/report.h"
#include "storage/consumers.h"
#include "storage/places.h"
#include "storage/quota.h"
#include "storage/report.h"
#include "storage/trials.h"

namespace fettle::app {
namespace {

namespace json = boost::json;

serve::Progress progress_of(shelf::State state) {
  switch (state) {
    case shelf::State::wanted:
      return serve::Progress::waiting;
    case shelf::State::resolved:
    case shelf::State::fetching:
    case shelf::State::verifying:
    case shelf::State::corrupt:
      return serve::Progress::working;
    case shelf::State::ready:
      return serve::Progress::ready;
    case shelf::State::failed:
    case shelf::State::refused:
    case shelf::State::held:
      return serve::Progress::stopped;
  }
  return serve::Progress::unknown;
}

// What the shelf room found about the shelf itself: a worker that fell silent is its judgement, not ours.
const Finding* finding_of(const Findings& findings, const std::string& name) {
  for (const NamedFinding& named : findings) {
    if (named.id == "shelf." + name) return &named.finding;
  }
  return nullptr;
}

serve::Progress progress_of(const Result<images::Report>& report, const Finding& finding) {
  if (!report && report.error().why == Why::missing) return serve::Progress::waiting;
  if (!report || finding.status == Status::unknown) return serve::Progress::unknown;
  switch (images::state_of(*report)) {
    case images::State::wanted:
      return serve::Progress::waiting;
    case images::State::pulling:
      return serve::Progress::working;
    case images::State::ready:
      return serve::Progress::ready;
    case images::State::failed:
      return serve::Progress::stopped;
  }
  return serve::Progress::unknown;
}

serve::Shelf shelf_of(const std::string& name, const Result<shelf::Report>* report,
                      const Findings& findings) {
  serve::Shelf shelf;
  shelf.name = name;
  if (report == nullptr || (!*report && report->error().why == Why::missing)) {
    shelf.progress = serve::Progress::waiting;
    shelf.word = shelf::to_text(shelf::State::wanted);
    return shelf;
  }
  if (!*report) {
    shelf.word = "unknown";
    shelf.error = report->error().said;
    return shelf;
  }
  const shelf::Report& said = **report;
  shelf.progress = progress_of(said.state);
  shelf.word = shelf::to_text(said.state);
  shelf.done = said.done.bytes;
  shelf.verified = said.verified.bytes;
  shelf.total = said.total.bytes;
  shelf.rate = said.rate;
  shelf.left = said.eta;
  if (said.error) shelf.error = said.error->said;
  if (const auto detail = parse_json(shelf::to_json(said), "the report")) shelf.detail = *detail;
  const Finding* const finding = finding_of(findings, name);
  if (finding != nullptr && finding->status == Status::unknown) {
    shelf.progress = serve::Progress::unknown;
    shelf.error = finding->says;
  }
  return shelf;
}

// Only of what is the cache for sure: below a mount point that nothing is mounted on lies the root file
// system.
std::optional<Result<system::Space>> space_of(const profile::Profile& profile, const facts::Facts& facts,
                                              const system::Files& files) {
  if (!profile.cache) return std::nullopt;
  const std::string& path = profile.cache->path;
  const auto is_it = [&](const facts::Mount& mount) { return mount.where == path; };
  if (profile.cache->drives &&
      !(facts.mounts && std::any_of(facts.mounts->begin(), facts.mounts->end(), is_it))) {
    return std::nullopt;
  }
  return files.space(path);
}

serve::Cache cache_of(const profile::Profile& profile, const std::optional<Result<system::Space>>& space) {
  serve::Cache cache;
  if (!profile.cache) return cache;
  cache.path = profile.cache->path;
  cache.kind = profile.cache->drives ? "drives" : "directory";
  if (space && *space) {
    cache.total = (*space)->total;
    cache.available = (*space)->available;
  }
  return cache;
}

std::vector<serve::CacheDirectory> caches_of(const profile::Profile& profile, const facts::Facts& facts) {
  std::vector<serve::CacheDirectory> caches;
  for (const profile::CacheDirectory& wanted : profile.caches) {
    serve::CacheDirectory cache{wanted.name, {}, wanted.reserve, wanted.quota, {}};
    if (const auto* const usage =
            facts.cache_usage ? facts::find(*facts.cache_usage, wanted.name) : nullptr) {
      if (usage->now) cache.used = usage->now->used;
      cache.bytes_per_hour = facts::bytes_per_hour(*usage);
    }
    caches.push_back(std::move(cache));
  }
  return caches;
}

std::vector<serve::DriveHealth> drives_of(const facts::Facts& facts) {
  std::vector<serve::DriveHealth> drives;
  if (!facts.drive_trials) return drives;
  for (const facts::DriveTrial& trial : facts.drive_trials->drives) {
    if (!trial.smart) continue;
    serve::DriveHealth drive{trial.serial,
                             trial.smart->temperature_celsius,
                             trial.smart->used_percent,
                             trial.smart->spare_percent,
                             trial.smart->media_errors,
                             {}};
    if (trial.reads) drive.read = trial.reads->median;
    drives.push_back(std::move(drive));
  }
  return drives;
}

template <class T>
json::value collected(const facts::Fact<T>& fact) {
  if (!fact) return json::object{{"unknown", fact.error().said}};
  return facts::to_json(*fact);
}

json::value collected_json(const facts::Facts& facts) {
  json::object object;
  object[facts::cache_kind] = collected(facts.cache_trial);
  object[facts::drives_kind] = collected(facts.drive_trials);
  object[facts::usage_kind] = collected(facts.cache_usage);
  object[facts::kernel_log_kind] = collected(facts.kernel_log);
  return object;
}

serve::Gpus gpus_of(const profile::Profile& profile, const facts::Facts& facts) {
  serve::Gpus gpus;
  if (profile.gpus) {
    gpus.model = profile.gpus->model;
    gpus.wanted = profile.gpus->count;
  }
  if (facts.gpus_in_kfd) gpus.seen = *facts.gpus_in_kfd;
  if (facts.driver && facts.driver->loaded) {
    gpus.driver = facts.driver->module_version.empty() ? "of the kernel" : facts.driver->module_version;
    if (facts.driver_package && !facts.driver_package->release.empty()) {
      gpus.driver += " (" + facts.driver_package->release + ")";
    }
  }
  return gpus;
}

std::vector<serve::Engine> engines_of(const profile::Profile& profile, const facts::Facts& facts) {
  std::vector<serve::Engine> engines;
  for (const profile::Engine& wanted : profile.engines) {
    serve::Engine engine{wanted.name, wanted.url, "unknown", {}, {}, {}};
    const facts::EngineTrial* const trial =
        facts.engine_trials ? facts::find(*facts.engine_trials, wanted.name) : nullptr;
    if (trial != nullptr && trial->url == wanted.url) {
      engine.state = facts::to_text(trial->state);
      engine.models = trial->models;
      engine.served_at = trial->served_at;
      engine.token_at = trial->token_at;
    }
    engines.push_back(std::move(engine));
  }
  return engines;
}

json::value env_json(const profile::Profile& profile) {
  const env::Plan plan = env::plan(profile);
  json::array variables;
  for (const env::Variable& variable : plan.variables) {
    variables.push_back({{"name", variable.name},
                         {"value", variable.value},
                         {"scope", env::to_text(variable.scope)},
                         {"why", variable.why}});
  }
  json::array refused;
  for (const env::Refusal& refusal : plan.refused) {
    refused.push_back({{"name", refusal.name}, {"said", refusal.error.said}, {"hint", refusal.error.hint}});
  }
  json::array files;
  for (const env::File& file : plan.files) files.emplace_back(file.path);
  json::object object;
  object["variables"] = std::move(variables);
  object["refused"] = std::move(refused);
  object["files"] = std::move(files);
  return object;
}

// What provisioning wrote, as it is; findings say what it means.
json::value provision_json(const system::Files& files) {
  const auto text = files.read(names::provision_report);
  if (!text) return json::object{{"unknown", text.error().said}};
  const auto value = parse_json(*text, names::provision_report);
  if (!value) return json::object{{"unknown", value.error().said}};
  return *value;
}

void append(Findings& to, Findings from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

Findings arranged(const profile::Profile& profile, const facts::Facts& facts, const system::Files& files,
                  std::chrono::system_clock::time_point now) {
  const auto loaded = profile::load_arrangement(files);
  const auto wanted = loaded.arrangement ? loaded.arrangement->places : std::vector<profile::CachePlace>();
  return {storage::consumers_finding(loaded, profile.cache, storage::look_for_drop_ins(files), now),
          storage::places_finding(storage::look_for_places(wanted, profile, facts.mounts, files),
                                  profile.cache, now)};
}

// Lists of container images are shown among the shelves, and told under ids like theirs.
void show_images(const system::Files& files, std::chrono::system_clock::time_point now,
                 serve::Inputs& inputs) {
  for (const profile::ImageList& wanted : profile::load_images(files).lists) {
    const auto report = images::read_report(files, wanted.name);
    const Finding finding = images::judge(report, wanted.name, now);
    serve::Shelf shelf;
    shelf.name = wanted.name;
    shelf.word = "wanted";
    if (report) {
      const images::State state = images::state_of(*report);
      shelf.word = images::to_text(state);
      shelf.done = images::done_of(*report);
      shelf.verified = shelf.done;
      shelf.total = images::total_of(*report);
      if (const auto detail = parse_json(images::to_json(*report), "the report")) shelf.detail = *detail;
    }
    shelf.progress = progress_of(report, finding);
    if (finding.status == Status::fail || finding.status == Status::unknown) shelf.error = finding.says;
    inputs.shelves.push_back(std::move(shelf));
    inputs.findings.push_back({"shelf." + wanted.name, "images " + wanted.name, finding, now});
  }
}

}  // namespace

serve::Inputs Look::operator()(const profile::Profile& profile, Depth depth) {
  if (!facts_ || depth == Depth::everything) {
    taken_at_ = clock_.now();
    taken_steady_ = clock_.steady();
    facts_ = facts::gather(files_, profile);
  }
  const auto now = clock_.now();
  serve::Inputs inputs;
  inputs.version = version_;
  inputs.profile = profile.name;
  inputs.profile_file = profile.file;
  inputs.profile_chosen = profile.chosen;
  inputs.taken_at = taken_at_;
  inputs.taken_steady = taken_steady_;
  if (facts_->identity) inputs.boot_id = facts_->identity->boot_id;
  if (facts_->uptime) inputs.uptime = *facts_->uptime;

  inputs.findings = health::run(*facts_, profile, taken_at_);
  append(inputs.findings, host::findings(*facts_, profile, taken_at_));
  append(inputs.findings, health::deep_findings(*facts_, profile, taken_at_));
  const auto provisioned = storage::read_report(files_);
  append(inputs.findings, storage::findings(provisioned, *facts_, profile, now));
  append(inputs.findings, storage::trial_findings(*facts_, provisioned, profile, now));
  append(inputs.findings, arranged(profile, *facts_, files_, now));
  append(inputs.findings, env::findings(*facts_, profile, now));
  append(inputs.findings, engine::findings(*facts_, profile, now));
  // Without the cache there is no space to judge; cache.mounted says that.
  const auto space = space_of(profile, *facts_, files_);
  if (space) inputs.findings.push_back(storage::space_finding(*space, *facts_, profile, now));
  inputs.findings.push_back(
      storage::quota_finding(storage::look_at_quota_use(profile, facts_->mounts, files_), now));
  const shelf::Reports reports = shelf::read_reports(files_, profile);
  const Findings of_shelves = shelf::findings(reports, profile, now);
  append(inputs.findings, of_shelves);

  inputs.cache = cache_of(profile, space);
  if (facts_->cache_trial && facts_->cache_trial->done) inputs.cache.write = facts_->cache_trial->done->write;
  inputs.caches = caches_of(profile, *facts_);
  inputs.drives = drives_of(*facts_);
  inputs.gpus = gpus_of(profile, *facts_);
  inputs.engines = engines_of(profile, *facts_);
  for (const profile::Shelf& wanted : profile.shelves) {
    const auto report = reports.find(wanted.name);
    inputs.shelves.push_back(
        shelf_of(wanted.name, report == reports.end() ? nullptr : &report->second, of_shelves));
  }
  show_images(files_, now, inputs);
  inputs.facts = facts_json(*facts_);
  inputs.storage = provision_json(files_);
  inputs.generation = json_text(inputs.storage, "generation");
  inputs.collected = collected_json(*facts_);
  inputs.env = env_json(profile);
  return inputs;
}

}  // namespace fettle::app
