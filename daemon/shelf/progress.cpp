#include "shelf/progress.h"

namespace fettle::shelf {
namespace {

using namespace std::chrono_literals;

constexpr auto interval = 1s;
// A longer estimate tells only that nothing has come yet, or hardly anything.
constexpr auto longest_estimate = std::chrono::seconds(std::chrono::hours(24 * 7));
constexpr auto window = 10s;  // long enough to be calm, short enough to show a stall

void add(Amount& sum, const Amount& part) {
  sum.bytes += part.bytes;
  sum.files += part.files;
}

}  // namespace

Progress::Progress(const system::System& system, Report report, std::function<void(const Report&)> published)
    : system_(system), report_(std::move(report)), published_to_(std::move(published)) {}

bool Progress::is_due() const {
  return !published_ || system_.clock.steady() - last_ >= interval;
}

void Progress::restart_rate() {
  history_.clear();
}

void Progress::sum_up() {
  report_.done = report_.verified = report_.total = {};
  for (const RepositoryReport& repository : report_.repositories) {
    add(report_.done, repository.done);
    add(report_.verified, repository.verified);
    add(report_.total, repository.total);
  }
  report_.rate = {};
  report_.eta.reset();
  if (report_.state != State::fetching && report_.state != State::verifying &&
      report_.state != State::corrupt)
    return;
  const Bytes now_done = report_.state == State::verifying ? report_.verified.bytes : report_.done.bytes;
  const auto now = system_.clock.steady();
  history_.emplace_back(now, now_done);
  while (history_.size() > 2 && now - history_.front().first > window) history_.pop_front();
  const double passed = std::chrono::duration<double>(now - history_.front().first).count();
  if (passed < 0.5) return;
  report_.rate = {
      static_cast<std::uint64_t>(static_cast<double>((now_done - history_.front().second).count) / passed)};
  if (report_.rate.count > 0) {
    const Bytes all = report_.state == State::verifying ? report_.done.bytes : report_.total.bytes;
    const std::chrono::seconds left(static_cast<std::int64_t>((all - now_done).count / report_.rate.count));
    if (left <= longest_estimate) report_.eta = left;
  }
}

void Progress::publish() {
  sum_up();
  report_.updated_at = std::chrono::floor<std::chrono::seconds>(system_.clock.now());
  last_ = system_.clock.steady();
  published_ = true;
  last_write_ = write_report(system_.files, report_);
  if (published_to_) published_to_(report_);
}

}  // namespace fettle::shelf
