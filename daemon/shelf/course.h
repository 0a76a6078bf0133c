// Course: where a shelf in work and its repositories stand; each change is written down, then published.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "shelf/jobs.h"
#include "shelf/layout.h"
#include "shelf/progress.h"
#include "shelf/source.h"

namespace fettle::shelf {

// One repository on its way.
struct Item {
  profile::Repository wanted;
  Manifest manifest;
  Survey survey;
  std::optional<Stopped> stop;  // why it went no further
};

class Course {
 public:
  Course(const system::System& system, const profile::Shelf& shelf, const Layout& layout, Jobs jobs,
         Report report, std::function<void(const Report&)> published);

  void add(profile::Repository repository);
  std::vector<Item>& items() { return items_; }
  const Jobs& jobs() const { return jobs_; }
  Progress& progress() { return progress_; }
  RepositoryReport& report_of(const Item& item);

  // Measures the item on the disk.
  Result<void> look(Item& item);
  // From now on measure() looks at this one.
  void work_at(const Item& item);
  const Item* item_in_work() const { return current_ < items_.size() ? &items_[current_] : nullptr; }
  // Measures and publishes the item in work when a second has passed; gives its bytes on the disk.
  enum class Measured { just_now, before };
  Measured measure();
  Bytes last_measured() const { return last_measured_; }

  Result<void> enter(State state, const std::optional<Error>& error = {});
  // The shelf is in the state of the repository in work, until the last one.
  Result<void> enter(Item& item, State state, const std::string& says = {});
  Result<void> stop(Item& item, const Stopped& stopped);
  void stop_shelf(Stopped stopped) { shelf_stop_ = std::move(stopped); }

  // Nothing more can be done now: the shelf is stopped, each repository is, or one of them is held.
  bool is_over() const;
  bool is_stopped() const { return shelf_stop_.has_value(); }
  // The first failure decides; without one, what is held; without that the shelf is ready.
  Result<void> finish();

 private:
  std::size_t index_of(const Item& item) const { return static_cast<std::size_t>(&item - items_.data()); }
  void show_growing(const Survey& survey);

  const system::System& system_;
  const profile::Shelf& shelf_;
  const Layout& layout_;
  Jobs jobs_;
  Progress progress_;
  std::vector<Item> items_;
  std::size_t current_ = 0;
  Bytes last_measured_;
  std::optional<Stopped> shelf_stop_;
};

}  // namespace fettle::shelf
