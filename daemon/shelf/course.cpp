#include "shelf/course.h"

#include <algorithm>

#include "system/step_point.h"

namespace fettle::shelf {

Course::Course(const system::System& system, const profile::Shelf& shelf, const Layout& layout, Jobs jobs,
               Report report, std::function<void(const Report&)> published)
    : system_(system),
      shelf_(shelf),
      layout_(layout),
      jobs_(std::move(jobs)),
      progress_(system, std::move(report), std::move(published)) {}

void Course::add(profile::Repository repository) {
  progress_.report().repositories.push_back({repository.id, repository.revision, State::wanted, {}, {}, {}});
  items_.push_back({std::move(repository), {}, {}, {}});
}

RepositoryReport& Course::report_of(const Item& item) {
  return progress_.repository(index_of(item));
}

Result<void> Course::look(Item& item) {
  auto surveyed = survey(system_.files, layout_, item.manifest, shelf_.name);
  if (!surveyed) return fail(surveyed.error());
  item.survey = std::move(*surveyed);
  report_of(item).done = item.survey.done;
  return {};
}

void Course::work_at(const Item& item) {
  current_ = index_of(item);
  last_measured_ = item.survey.done.bytes;
}

Course::Measured Course::measure() {
  if (current_ >= items_.size() || !progress_.is_due()) return Measured::before;
  const Item& item = items_[current_];
  if (!item.manifest.files.empty()) {
    if (const auto surveyed = survey(system_.files, layout_, item.manifest, shelf_.name)) {
      report_of(item).done = surveyed->done;
      last_measured_ = surveyed->done.bytes;
      show_growing(*surveyed);
    }
  }
  progress_.publish();
  return Measured::just_now;
}

void Course::show_growing(const Survey& survey) {
  constexpr std::size_t most_shown = 8;
  auto& current = progress_.report().current;
  current.clear();
  for (const auto& [file, part] : survey.growing) {
    if (current.size() < most_shown) current.push_back({file.path, part, file.size});
  }
  // In the same places from page to page.
  std::sort(current.begin(), current.end(),
            [](const FileReport& a, const FileReport& b) { return a.path < b.path; });
}

Result<void> Course::enter(State state, const std::optional<Error>& error) {
  progress_.report().state = state;
  progress_.report().error = error;
  progress_.restart_rate();
  progress_.publish();
  system::step_point("published " + std::string(to_text(state)));
  auto written = jobs_.set_state(shelf_.name, state, error ? error->said : std::string());
  system::step_point("entered " + std::string(to_text(state)));
  return written;
}

Result<void> Course::enter(Item& item, State state, const std::string& says) {
  report_of(item).state = state;
  if (auto written = jobs_.set_repository_state(shelf_.name, item.manifest.id, state, says); !written)
    return written;
  system::step_point("repository " + std::string(to_text(state)));
  if (state != State::ready) return enter(state);
  progress_.publish();
  return {};
}

Result<void> Course::stop(Item& item, const Stopped& stopped) {
  item.stop = stopped;
  report_of(item).state = stopped.state;
  progress_.publish();
  return jobs_.set_repository_state(shelf_.name, item.wanted.id, stopped.state, stopped.error.said);
}

bool Course::is_over() const {
  return shelf_stop_ ||
         std::all_of(items_.begin(), items_.end(), [](const Item& item) { return item.stop.has_value(); }) ||
         std::any_of(items_.begin(), items_.end(),
                     [](const Item& item) { return item.stop && item.stop->state == State::held; });
}

Result<void> Course::finish() {
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

}  // namespace fettle::shelf
