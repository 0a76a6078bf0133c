// Progress: keeps the report of the shelf in work and publishes it, at each change and at most once a second.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <utility>

#include "shelf/report.h"
#include "system/system.h"

namespace fettle::shelf {

class Progress {
 public:
  // `published` hears each report too; may be empty.
  Progress(const system::System& system, Report report, std::function<void(const Report&)> published);

  Report& report() { return report_; }
  RepositoryReport& repository(std::size_t index) { return report_.repositories[index]; }

  // Publishes now. An error is remembered, not returned: a full /run must not stop the work; see
  // last_error().
  void publish();
  // True when a second has passed since the last time: then it is worth measuring.
  bool is_due() const;
  // The rate is counted anew: another kind of work begins.
  void restart_rate();

  const Result<void>& last_write() const { return last_write_; }

 private:
  void sum_up();

  const system::System& system_;
  Report report_;
  std::function<void(const Report&)> published_to_;
  std::chrono::steady_clock::time_point last_{};
  bool published_ = false;
  std::deque<std::pair<std::chrono::steady_clock::time_point, Bytes>> history_;  // of the last ten seconds
  Result<void> last_write_;
};

}  // namespace fettle::shelf
