#include "shelf/stage.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/names.h"
#include "base/text.h"
#include "facts/readers.h"
#include "shelf/brakes.h"
#include "shelf/jobs.h"
#include "shelf/layout.h"
#include "shelf/lock_file.h"
#include "shelf/progress.h"
#include "shelf/source.h"
#include "shelf/verify.h"
#include "system/lock.h"

namespace fettle::shelf {
namespace {

using namespace std::chrono_literals;

// A wrong blob is fetched once more; the second time it is the source that is wrong.
constexpr unsigned most_damage = 2;

// The files beside a blob: its link, its lock, and some room for directories.
constexpr std::uint64_t inodes_per_file = 3;

// One repository on its way.
struct Item {
  profile::Repository wanted;
  Manifest manifest;
  Survey survey;
  std::optional<Stopped> stop;  // why it went no further
};

class Worker {
 public:
  Worker(const system::System& system, const profile::Profile& profile, const profile::Shelf& shelf,
         const Options& options, const Layout& layout, mode_t directory_mode, Jobs jobs, Report report)
      : system_(system),
        profile_(profile),
        shelf_(shelf),
        options_(options),
        layout_(layout),
        directory_mode_(directory_mode),
        jobs_(std::move(jobs)),
        progress_(system, std::move(report), options.published),
        brakes_(system, profile, shelf, layout),
        source_(make_source(
            {system_, shelf_, options_, layout_, directory_mode_, [this] { return tick(); },
             [this]() -> const Stopped* { return brakes_.stop() ? &*brakes_.stop() : nullptr; }})) {}

  Result<Report> run() {
    auto end = work();
    // What was stopped on request ends in many ways; this is the one that counts.
    if (brakes_.stop()) {
      shelf_stop_ = brakes_.stop();
      end = finish();
    }
    if (!end) end = enter(State::failed, end.error());
    if (!end) return fail(end.error());
    // The report is how everybody else learns of it: one that cannot be written is said here at least.
    if (!progress_.last_write()) return fail(progress_.last_write().error());
    return progress_.report();
  }

 private:
  // An error here is one of ours (database, cache); what a source says ends in the item.
  Result<void> work() {
    if (auto begun = begin(); !begun) return begun;
    if (auto resolved = resolve(); !resolved) return resolved;
    if (is_over()) return finish();
    if (auto admitted = admit(); !admitted) return admitted;
    if (is_over()) return finish();
    if (auto first = fetch_small_files(); !first) return first;
    if (is_over()) return finish();
    for (current_ = 0; current_ < items_.size(); ++current_) {
      if (items_[current_].stop) continue;
      if (auto done = bring(items_[current_]); !done) return done;
      // A hub that does not answer one repository does not answer the next.
      if (items_[current_].stop && items_[current_].stop->state == State::held) break;
    }
    return finish();
  }

  Result<void> begin() {
    const auto before = jobs_.state(shelf_.name);
    if (!before) return fail(before.error());
    // Started again after a failure: somebody believes that the source is better now.
    if (*before == State::failed) {
      if (auto anew = jobs_.resolve_again(shelf_.name); !anew) return anew;
    }
    if (auto entered = enter(State::wanted); !entered) return entered;
    if (auto looked = brakes_.look_at_start(); !looked) return looked;
    if (brakes_.stop()) {
      shelf_stop_ = brakes_.stop();
      return {};
    }
    auto locked = read_lock(system_.files, shelf_.name);
    if (!locked) {
      shelf_stop_ = Stopped{State::failed, locked.error(), {}};
      return {};
    }
    locked_ = std::move(*locked);
    auto wanted = source_->repositories();
    if (!wanted) {
      // Everything may be here already although the archive is gone.
      const auto known = jobs_.manifests(shelf_.name);
      if (!known || known->empty()) {
        shelf_stop_ = wanted.error();
        return {};
      }
      wanted = std::vector<profile::Repository>();
      for (const Manifest& manifest : *known) {
        profile::Repository repository;
        repository.id = manifest.id;
        repository.revision = manifest.revision;
        wanted->push_back(std::move(repository));
      }
    }
    std::vector<std::string> wants;
    for (profile::Repository& repository : *wanted) {
      wants.push_back(want_of(repository));
      progress_.report().repositories.push_back(
          {repository.id, repository.revision, State::wanted, {}, {}, {}});
      if (*before == State::failed) {
        if (auto forgotten = jobs_.forget_damage(repository.id); !forgotten) return forgotten;
      }
      items_.push_back({std::move(repository), {}, {}, {}});
    }
    if (items_.empty()) {
      shelf_stop_ = Stopped{State::failed,
                            {Why::missing, "cannot stage '" + shelf_.name + "': it lists no repository", {}},
                            {}};
    }
    return jobs_.keep_only(shelf_.name, wants);
  }

  Result<void> resolve() {
    if (shelf_stop_) return {};
    for (current_ = 0; current_ < items_.size(); ++current_) {
      Item& item = items_[current_];
      const std::string want = want_of(item.wanted);
      auto known = jobs_.manifest(shelf_.name, want);
      if (!known) return fail(known.error());
      if (*known && !locked_) {
        item.manifest = std::move(**known);
      } else {
        auto resolved =
            locked_ ? from_lock(*locked_, item.wanted, shelf_.name) : source_->resolve(item.wanted);
        if (!resolved) {
          if (auto stopped = stop(item, resolved.error()); !stopped) return stopped;
          if (item.stop->state == State::held) return {};
          continue;
        }
        item.manifest = std::move(*resolved);
        if (auto written = jobs_.set_manifest(shelf_.name, want, item.manifest); !written) return written;
      }
      RepositoryReport& report = progress_.repository(current_);
      report.revision = item.manifest.revision;
      report.state = State::resolved;
      const auto blobs = blobs_of(item.manifest);
      report.total = {total_of(blobs), blobs.size()};
      if (auto looked = look(item); !looked) return looked;
      progress_.publish();
    }
    return is_over() ? Result<void>() : enter(State::resolved);
  }

  // config.json and its like of every repository, before the first large file: what cannot be had at all (a
  // gated repository, a wrong token) shows in the first minute, and models can be judged while their weights
  // come.
  Result<void> fetch_small_files() {
    if (!source_->takes_small_first()) return {};
    for (current_ = 0; current_ < items_.size(); ++current_) {
      Item& item = items_[current_];
      if (item.stop) continue;
      const std::vector<File> small = small_files(item.survey.missing);
      if (small.empty() || small.size() == item.survey.missing.size()) continue;
      if (auto fetched = fetch(item, small, Part::small); !fetched) return fetched;
      if (brakes_.stop() || (item.stop && item.stop->state == State::held)) return {};
    }
    return {};
  }

  // The whole shelf's missing bytes, before the first one comes.
  Result<void> admit() {
    Bytes missing;
    std::uint64_t files = 0;
    for (Item& item : items_) {
      if (item.stop) continue;
      if (const auto freed = remove_orphans(system_.files, system_.clock, layout_, item.manifest.id); !freed)
        return fail(freed.error());
      if (auto looked = look(item); !looked) return looked;
      missing += total_of(item.survey.missing);
      files += item.survey.missing.size();
    }
    if (files == 0) return {};
    const auto space = system_.files.space(layout_.home);
    if (!space) return fail(space.error());
    const Bytes reserve = facts::reserve_of(
        profile_, facts::read_cache_usage(system_.files, facts::read_uptime(system_.files)));
    if (missing + reserve > space->available) {
      shelf_stop_ = Stopped{State::refused,
                            {Why::refused,
                             "cannot stage '" + shelf_.name + "': it needs " + to_text(missing) +
                                 " and a reserve of " + to_text(reserve) + ", but only " +
                                 to_text(space->available) + " are free below '" + layout_.home + "'",
                             "free some space, or take repositories off the shelf"},
                            {}};
    } else if (files * inodes_per_file > space->inodes_available) {
      shelf_stop_ =
          Stopped{State::refused,
                  {Why::refused,
                   "cannot stage '" + shelf_.name + "': it needs " + std::to_string(files * inodes_per_file) +
                       " inodes, but only " + std::to_string(space->inodes_available) + " are free below '" +
                       layout_.home + "'",
                   "remove small files from the cache"},
                  {}};
    }
    return {};
  }

  // Fetch, verify, and once more when a blob was wrong; then publish.
  Result<void> bring(Item& item) {
    while (true) {
      if (auto looked = look(item); !looked) return looked;
      for (const File& misfit : item.survey.misfits) {
        if (auto aside = put_aside(system_.files, layout_, item.manifest, misfit.blob); !aside) return aside;
      }
      if (!item.survey.missing.empty()) {
        if (auto fetched = fetch(item, item.survey.missing, Part::all); !fetched || item.stop) return fetched;
      }
      std::vector<File> damaged;
      if (auto verified = verify_blobs(item, damaged); !verified) return verified;
      if (damaged.empty()) break;
      if (auto handled = handle_damage(item, damaged); !handled || item.stop) return handled;
    }
    if (auto published = publish(system_.files, layout_, item.manifest, directory_mode_); !published)
      return published;
    if (auto forgotten = jobs_.forget_damage(item.manifest.id); !forgotten) return forgotten;
    for (const File& file : item.manifest.files) {
      if (const auto removed = system_.files.remove(layout_.aside(file.blob)); !removed)
        return fail(removed.error());
    }
    return enter_repository(item, State::ready);
  }

  Result<void> fetch(Item& item, const std::vector<File>& files, Part part) {
    if (auto entered = enter_repository(item, State::fetching); !entered) return entered;
    if (auto made = make_directories(system_.files, layout_, layout_.hub(), directory_mode_); !made)
      return made;
    const auto fetched = source_->fetch(item.manifest, item.wanted, files, part);
    progress_.report().current.clear();
    if (auto looked = look(item); !looked) return looked;
    if (!fetched) return stop(item, fetched.error());
    if (item.survey.missing.empty() || part == Part::small) return {};
    const File& first = item.survey.missing.front();
    return stop(item, {State::held,
                       {Why::failed,
                        "cannot complete '" + item.manifest.id +
                            "': " + count_of(item.survey.missing.size(), "file") + " did not come, '" +
                            first.path + "' for one",
                        "the worker tries again by itself"},
                       60s});
  }

  Result<void> verify_blobs(Item& item, std::vector<File>& damaged) {
    RepositoryReport& report = progress_.repository(current_);
    report.verified = {};
    std::vector<File> blobs;
    std::vector<Wanted> unknown;
    for (const File& blob : blobs_of(item.manifest)) {
      const std::string path = layout_.blob(item.manifest.id, blob.blob);
      const auto info = system_.files.look(path);
      if (!info) return fail(info.error());
      const auto known = jobs_.was_verified(*info, blob.blob);
      if (!known) return fail(known.error());
      if (*known && info->kind == system::Kind::file) {
        report.verified.bytes += blob.size;
        ++report.verified.files;
        continue;
      }
      blobs.push_back(blob);
      unknown.push_back({path, blob.blob, blob.size});
    }
    if (unknown.empty()) return {};
    if (auto entered = enter_repository(item, State::verifying); !entered) return entered;
    const Bytes before = report.verified.bytes;
    Listener listener;
    listener.checked = [&](const Checked& checked) -> Result<void> {
      const File& blob = blobs[checked.index];
      if (!checked.same) {
        damaged.push_back(blob);
        return {};
      }
      ++report.verified.files;
      return jobs_.remember_verified(checked.info, blob.blob);
    };
    listener.tick = [&](Bytes hashed) -> Result<void> {
      report.verified.bytes = before + hashed;
      if (!progress_.is_due()) return {};
      progress_.publish();
      if (auto looked = brakes_.look(); !looked) return looked;
      if (brakes_.stop()) return fail(brakes_.stop()->error);
      return {};
    };
    if (auto verified = verify(system_.files, unknown, {options_.verify_threads}, listener); !verified)
      return verified;
    for (const File& blob : damaged) report.verified.bytes = report.verified.bytes - blob.size;
    return {};
  }

  Result<void> handle_damage(Item& item, const std::vector<File>& damaged) {
    unsigned worst = 0;
    for (const File& blob : damaged) {
      const auto times = jobs_.count_damage(item.manifest.id, blob.blob);
      if (!times) return fail(times.error());
      worst = std::max(worst, *times);
      if (auto aside = put_aside(system_.files, layout_, item.manifest, blob.blob); !aside) return aside;
    }
    const File& first = damaged.front();
    const std::string file = "'" + first.path + "' of '" + item.manifest.id + "'";
    const std::string differs = "it does not have the hash " + first.blob;
    if (auto looked = look(item); !looked) return looked;
    if (worst < most_damage)
      return enter_repository(item, State::corrupt, file + ": " + differs + "; it is fetched again");
    return stop(
        item,
        {State::failed,
         {Why::malformed, "cannot verify " + file + ": " + differs + ", and neither did a second copy",
          "the source or this node damages data: compare with another source, test memory and drives; the "
          "damaged copy is kept as '" +
              layout_.aside(first.blob) + "'"},
         {}});
  }

  Result<void> look(Item& item) {
    auto surveyed = survey(system_.files, layout_, item.manifest, shelf_.name);
    if (!surveyed) return fail(surveyed.error());
    item.survey = std::move(*surveyed);
    progress_.repository(current_index(item)).done = item.survey.done;
    return {};
  }

  std::size_t current_index(const Item& item) const {
    return static_cast<std::size_t>(&item - items_.data());
  }

  // What the sources call: measures the repository in work on the disk, at most once a second.
  Bytes tick() {
    if (current_ >= items_.size() || !progress_.is_due()) return last_measured_;
    Item& item = items_[current_];
    if (!item.manifest.files.empty()) {
      if (const auto surveyed = survey(system_.files, layout_, item.manifest, shelf_.name)) {
        progress_.repository(current_).done = surveyed->done;
        last_measured_ = surveyed->done.bytes;
        show_growing(*surveyed);
      }
    }
    progress_.publish();
    (void)brakes_.look();
    if (progress_.report().state == State::fetching) brakes_.keep_reserve();
    return last_measured_;
  }

  void show_growing(const Survey& survey) {
    constexpr std::size_t most_shown = 8;
    auto& current = progress_.report().current;
    current.clear();
    for (const auto& [file, part] : survey.growing) {
      if (current.size() < most_shown) current.push_back({file.path, part, file.size});
    }
  }

  Result<void> stop(Item& item, const Stopped& stopped) {
    item.stop = stopped;
    progress_.repository(current_index(item)).state = stopped.state;
    progress_.publish();
    return jobs_.set_repository_state(shelf_.name, item.wanted.id, stopped.state, stopped.error.said);
  }

  Result<void> enter(State state, const std::optional<Error>& error = {}) {
    progress_.report().state = state;
    progress_.report().error = error;
    progress_.restart_rate();
    progress_.publish();
    return jobs_.set_state(shelf_.name, state, error ? error->said : std::string());
  }

  // The shelf is in the state of the repository in work, until the last one.
  Result<void> enter_repository(Item& item, State state, const std::string& says = {}) {
    progress_.repository(current_index(item)).state = state;
    if (auto written = jobs_.set_repository_state(shelf_.name, item.manifest.id, state, says); !written)
      return written;
    if (state != State::ready) return enter(state);
    progress_.publish();
    return {};
  }

  bool is_over() const {
    return shelf_stop_ ||
           std::all_of(items_.begin(), items_.end(),
                       [](const Item& item) { return item.stop.has_value(); }) ||
           std::any_of(items_.begin(), items_.end(),
                       [](const Item& item) { return item.stop && item.stop->state == State::held; });
  }

  // The first failure decides; without one, what is held.
  Result<void> finish() {
    std::optional<Stopped> end = shelf_stop_;
    for (const Item& item : items_) {
      if (!item.stop) continue;
      if (!end || (end->state == State::held && item.stop->state != State::held)) end = item.stop;
    }
    if (!end) return enter(State::ready);
    // Without a time it waits for an operator.
    if (end->state == State::held && end->retry_after.count() > 0)
      progress_.report().retry_at = system_.clock.now() + end->retry_after;
    return enter(end->state, end->error);
  }

  const system::System& system_;
  const profile::Profile& profile_;
  const profile::Shelf& shelf_;
  const Options& options_;
  const Layout& layout_;
  mode_t directory_mode_;
  Jobs jobs_;
  Progress progress_;
  std::vector<Item> items_;
  std::size_t current_ = 0;
  Bytes last_measured_;
  std::optional<Stopped> shelf_stop_;
  Brakes brakes_;
  std::optional<std::vector<Manifest>> locked_;  // when there is a lock: what belongs to the shelf
  std::unique_ptr<Source> source_;
};

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
