#include "shelf/worker.h"

#include <algorithm>
#include <string>

#include "archive/staging.h"
#include "base/text.h"
#include "facts/readers.h"
#include "shelf/admission.h"
#include "shelf/lock_file.h"
#include "shelf/turn.h"
#include "system/step_point.h"

namespace fettle::shelf {

using namespace std::chrono_literals;

Worker::Worker(const system::System& system, const profile::Profile& profile, const profile::Shelf& shelf,
               const Options& options, const Layout& layout, mode_t directory_mode, Jobs jobs, Report report)
    : system_(system),
      profile_(profile),
      shelf_(shelf),
      layout_(layout),
      directory_mode_(directory_mode),
      course_(system, shelf, layout, std::move(jobs), std::move(report), options.published),
      brakes_(system, profile, shelf, layout),
      pace_(shelf.rate),
      proof_(system, options, layout, course_, brakes_),
      source_(
          make_source({system, shelf, options, layout, directory_mode, [this] { return tick(); },
                       [this]() -> const Stopped* { return brakes_.stop() ? &*brakes_.stop() : nullptr; },
                       [this] { return pace_.pause(course_.last_measured(), system_.clock.steady()); }})) {}

Result<Report> Worker::run() {
  system::start_step_points();
  auto end = work();
  // What was stopped on request ends in many ways; this is the one that counts.
  if (brakes_.stop()) {
    course_.stop_shelf(*brakes_.stop());
    end = course_.finish();
  }
  if (!end) end = course_.enter(State::failed, end.error());
  if (!end) return fail(end.error());
  // The report is how everybody else learns of it: one that cannot be written is said here at least.
  if (!course_.progress().last_write()) return fail(course_.progress().last_write().error());
  return course_.progress().report();
}

Result<void> Worker::work() {
  if (auto begun = begin(); !begun) return begun;
  if (auto resolved = resolve(); !resolved) return resolved;
  if (course_.is_over()) return course_.finish();
  if (auto admitted = admit_all(); !admitted) return admitted;
  if (course_.is_over()) return course_.finish();
  if (auto first = fetch_small_files(); !first) return first;
  if (course_.is_over()) return course_.finish();
  for (Item& item : course_.items()) {
    if (item.stop) continue;
    course_.work_at(item);
    if (auto done = bring(item); !done) return done;
    // A hub that does not answer one repository does not answer the next.
    if (item.stop && item.stop->state == State::held) break;
  }
  return course_.finish();
}

std::optional<std::vector<profile::Repository>> Worker::known_repositories() const {
  const auto known = course_.jobs().manifests(shelf_.name);
  if (!known || known->empty()) return std::nullopt;
  std::vector<profile::Repository> all;
  for (const Manifest& manifest : *known) {
    profile::Repository repository;
    repository.id = manifest.id;
    repository.revision = manifest.revision;
    all.push_back(std::move(repository));
  }
  return all;
}

Result<void> Worker::begin() {
  const Jobs& jobs = course_.jobs();
  const auto before = jobs.state(shelf_.name);
  if (!before) return fail(before.error());
  // Started again after a failure: somebody believes that the source is better now.
  if (*before == State::failed) {
    if (auto anew = jobs.resolve_again(shelf_.name); !anew) return anew;
  }
  if (auto entered = course_.enter(State::wanted); !entered) return entered;
  if (auto looked = brakes_.look_at_start(); !looked) return looked;
  if (brakes_.stop()) {
    course_.stop_shelf(*brakes_.stop());
    return {};
  }
  auto locked = read_lock(system_.files, shelf_.name);
  if (!locked) {
    course_.stop_shelf({State::failed, locked.error(), {}});
    return {};
  }
  locked_ = std::move(*locked);
  auto wanted = source_->repositories();
  if (!wanted) {
    // Everything may be here already although the archive is gone.
    auto known = known_repositories();
    if (!known) {
      course_.stop_shelf(wanted.error());
      return {};
    }
    wanted = std::move(*known);
  }
  std::vector<std::string> wants;
  for (profile::Repository& repository : *wanted) {
    wants.push_back(want_of(repository));
    if (*before == State::failed) {
      if (auto forgotten = jobs.forget_damage(repository.id); !forgotten) return forgotten;
    }
    course_.add(std::move(repository));
  }
  if (course_.items().empty()) {
    course_.stop_shelf({State::failed,
                        {Why::missing, "cannot stage '" + shelf_.name + "': it lists no repository", {}},
                        {}});
  }
  auto kept = jobs.keep_only(shelf_.name, wants);
  system::step_point("kept what is wanted");
  return kept;
}

Result<void> Worker::resolve() {
  if (course_.is_stopped()) return {};
  const Jobs& jobs = course_.jobs();
  for (Item& item : course_.items()) {
    course_.work_at(item);
    const std::string want = want_of(item.wanted);
    auto known = jobs.manifest(shelf_.name, want);
    if (!known) return fail(known.error());
    if (*known && !locked_) {
      item.manifest = std::move(**known);
    } else {
      if (!locked_) wait_for_turn();
      if (brakes_.stop()) return {};
      auto resolved = locked_ ? from_lock(*locked_, item.wanted, shelf_.name) : source_->resolve(item.wanted);
      if (!resolved) {
        if (auto stopped = course_.stop(item, resolved.error()); !stopped) return stopped;
        if (item.stop->state == State::held) return {};
        continue;
      }
      item.manifest = std::move(*resolved);
      if (auto written = jobs.set_manifest(shelf_.name, want, item.manifest); !written) return written;
      system::step_point("resolved a repository");
    }
    RepositoryReport& report = course_.report_of(item);
    report.revision = item.manifest.revision;
    report.state = State::resolved;
    const auto blobs = blobs_of(item.manifest);
    report.total = {total_of(blobs), blobs.size()};
    if (auto looked = course_.look(item); !looked) return looked;
    course_.progress().publish();
  }
  return course_.is_over() ? Result<void>() : course_.enter(State::resolved);
}

// config.json and its like of every repository, before the first large file: what cannot be had at all (a
// gated repository, a wrong token) shows in the first minute, and models can be judged while their weights
// come.
Result<void> Worker::fetch_small_files() {
  if (!source_->takes_small_first()) return {};
  // One alone begins with them anyway, and each start of the client costs the better part of a second.
  const auto lacking = std::count_if(course_.items().begin(), course_.items().end(), [](const Item& item) {
    return !item.stop && !item.survey.missing.empty();
  });
  if (lacking < 2) return {};
  for (Item& item : course_.items()) {
    if (item.stop) continue;
    course_.work_at(item);
    const std::vector<File> small = small_files(item.survey.missing);
    if (small.empty() || small.size() == item.survey.missing.size()) continue;
    if (auto fetched = fetch(item, small, Part::small); !fetched) return fetched;
    if (brakes_.stop() || (item.stop && item.stop->state == State::held)) return {};
  }
  return {};
}

Result<void> Worker::admit_all() {
  // What a killed run left half copied takes room, and would count against the shelf.
  if (auto cleared = archive::Staging::clear(system_.files, layout_.hub(), shelf_.name); !cleared)
    return cleared;
  Need need;
  for (Item& item : course_.items()) {
    if (item.stop) continue;
    if (const auto freed = remove_orphans(system_.files, system_.clock, layout_, item.manifest.id); !freed)
      return fail(freed.error());
    if (auto looked = course_.look(item); !looked) return looked;
    need.missing += total_of(item.survey.missing);
    need.files += item.survey.missing.size();
  }
  const auto space = system_.files.space(layout_.home);
  if (!space) return fail(space.error());
  need.reserve =
      facts::reserve_of(profile_, facts::read_cache_usage(system_.files, facts::read_uptime(system_.files)));
  if (auto refused = admit(shelf_.name, need, *space, layout_)) course_.stop_shelf(std::move(*refused));
  return {};
}

// Fetch, prove, and once more when a blob was wrong; then publish.
Result<void> Worker::bring(Item& item) {
  while (true) {
    if (auto looked = course_.look(item); !looked) return looked;
    for (const File& misfit : item.survey.misfits) {
      if (auto aside = put_aside(system_.files, layout_, item.manifest, misfit.blob); !aside) return aside;
    }
    if (!item.survey.missing.empty()) {
      if (auto fetched = fetch(item, item.survey.missing, Part::all); !fetched || item.stop) return fetched;
    }
    const auto damaged = proof_.damaged(item);
    if (!damaged) return fail(damaged.error());
    if (damaged->empty()) break;
    if (auto aside = proof_.set_aside(item, *damaged); !aside || item.stop) return aside;
  }
  if (auto published = publish(system_.files, layout_, item.manifest, directory_mode_); !published)
    return published;
  if (auto forgotten = proof_.forget_damage(item); !forgotten) return forgotten;
  return course_.enter(item, State::ready);
}

Result<void> Worker::fetch(Item& item, const std::vector<File>& files, Part part) {
  wait_for_turn();
  brakes_.keep_hours();
  if (brakes_.stop()) return course_.stop(item, *brakes_.stop());
  if (auto entered = course_.enter(item, State::fetching); !entered) return entered;
  if (auto made = make_directories(system_.files, layout_, layout_.hub(), directory_mode_); !made)
    return made;
  course_.work_at(item);
  pace_.start(item.survey.done.bytes, system_.clock.steady());
  const auto fetched = source_->fetch(item.manifest, item.wanted, files, part);
  system::step_point("fetched");
  course_.progress().report().current.clear();
  if (auto looked = course_.look(item); !looked) return looked;
  if (!fetched) return course_.stop(item, fetched.error());
  // Its large files come later.
  if (part == Part::small) course_.report_of(item).state = State::resolved;
  if (item.survey.missing.empty() || part == Part::small) return {};
  const File& first = item.survey.missing.front();
  return course_.stop(
      item, {State::held,
             {Why::failed,
              "cannot complete '" + item.manifest.id + "': " + count_of(item.survey.missing.size(), "file") +
                  " did not come, '" + first.path + "' for one",
              "the worker tries again by itself"},
             60s});
}

void Worker::wait_for_turn() {
  const auto rest = until_turn(system_.files, shelf_);
  if (rest.count() == 0 || waited_ == Waited::yes) return;
  waited_ = Waited::yes;
  const auto end = system_.clock.steady() + rest;
  Report& report = course_.progress().report();
  report.error = Error{Why::refused,
                       "'" + shelf_.name + "' begins " + std::to_string(rest.count()) +
                           " s later: each node of the fleet has its own turn after its boot",
                       "'jitter_seconds' in the shelf's file says within how long"};
  report.retry_at = system_.clock.now() + rest;
  course_.progress().publish();
  while (system_.clock.steady() < end && !brakes_.stop()) {
    system_.clock.sleep_for(500ms);
    (void)brakes_.look();
    if (course_.progress().is_due()) course_.progress().publish();
  }
  report.error.reset();
  report.retry_at.reset();
  course_.progress().publish();
}

// What the sources call.
Bytes Worker::tick() {
  if (course_.measure() == Course::Measured::just_now) {
    (void)brakes_.look();
    if (course_.progress().report().state == State::fetching) {
      brakes_.keep_reserve();
      brakes_.keep_hours();
      if (source_->renames_when_whole()) {
        // What it cannot remember is hashed later, and said then.
        if (const Item* const item = course_.item_in_work()) (void)proof_.look_ahead(*item);
      }
    }
  }
  return course_.last_measured();
}

}  // namespace fettle::shelf
