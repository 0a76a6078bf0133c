#include "app/memory.h"

#include <algorithm>
#include <array>

namespace fettle::app {
namespace {

// Told to clients and shown on pages; the file keeps more.
constexpr std::int64_t events_shown = 1000;
constexpr std::int64_t boots_shown = 20;

constexpr std::array<std::string_view, 5> steps{store::events_step, store::ledger_step,
                                                store::acknowledgements_step, store::ledger_generation_step,
                                                store::growth_step};
constexpr store::Schema schema{0x66740003, steps};

Finding forgetting(const Error& error) {
  return {Status::warn, "events, acknowledgements and the ledger are not kept: " + error.said,
          error.hint.empty() ? "the node serves all the same; look at the root file system" : error.hint};
}

// The stages of a boot that is not in the file: those reached first stay.
void merge(std::vector<store::Boot>& boots, const store::Boot& news) {
  const auto found =
      std::find_if(boots.begin(), boots.end(), [&](const store::Boot& boot) { return boot.id == news.id; });
  store::Boot& boot =
      found == boots.end() ? *boots.insert(boots.begin(), {news.id, news.at, {}, {}}) : *found;
  if (!news.generation.empty()) boot.generation = news.generation;
  for (const store::Stage& stage : news.stages) {
    const bool is_known = std::any_of(boot.stages.begin(), boot.stages.end(),
                                      [&](const store::Stage& each) { return each.name == stage.name; });
    if (!is_known) boot.stages.push_back(stage);
  }
}

}  // namespace

bool Memory::open() {
  if (database_) return true;
  auto opened = store::Database::open(files_, path_, schema);
  if (!opened) {
    trouble_ = forgetting(opened.error());
    return false;
  }
  trouble_.reset();
  if (!opened->findings.empty()) trouble_ = opened->findings.front();
  database_ = std::move(opened->database);
  return true;
}

Result<void> Memory::write(const News& news, std::vector<store::Event>& events) {
  if (!database_->writable()) return {};  // opening gave the finding for that
  return database_->transaction([&]() -> Result<void> {
    for (const store::Event& event : events) {
      if (auto added = store::add_event(*database_, event.at, event.subject, event.says); !added)
        return added;
    }
    for (const store::Boot& boot : unwritten_) {
      if (auto added = store::add_stages(*database_, boot); !added) return added;
    }
    if (news.acknowledgements) {
      if (auto kept = store::keep_acknowledgements(*database_, *news.acknowledgements); !kept) return kept;
    }
    if (news.growth) {
      if (auto kept = store::keep_growth(*database_, *news.growth); !kept) return kept;
    }
    if (!news.boot.id.empty()) {
      if (auto added = store::add_stages(*database_, news.boot); !added) return added;
    }
    const auto written = store::newest_events(*database_, static_cast<std::int64_t>(events.size()));
    if (!written) return fail(written.error());
    std::copy(written->begin(), written->end(), events.begin());
    return {};
  });
}

Remembered Memory::operator()(const News& news) {
  Remembered result;
  result.events = news.events;
  if (open()) {
    if (is_first_ && last_id_ == 0) {
      if (auto known = store::newest_events(*database_, events_shown)) {
        if (!known->empty()) last_id_ = known->back().id;
        result.events.insert(result.events.begin(), known->begin(), known->end());
      }
      if (auto kept = store::kept_acknowledgements(*database_)) result.acknowledgements = std::move(*kept);
      if (auto kept = store::kept_growth(*database_)) result.growth = std::move(*kept);
      is_first_ = false;
    }
    std::vector<store::Event> events = news.events;
    const auto written = write(news, events);
    if (written && database_->writable()) {
      unwritten_.clear();
      std::copy(events.begin(), events.end(),
                result.events.end() - static_cast<std::ptrdiff_t>(events.size()));
    } else if (!written) {
      trouble_ = forgetting(written.error());
      database_.reset();  // opened anew the next time
    }
  }
  for (store::Event& event : result.events) {
    if (event.id == 0) event.id = last_id_ + 1;
    last_id_ = event.id;
  }
  if (!news.boot.generation.empty()) generation_ = news.boot.generation;
  if (database_) {
    if (auto boots = store::newest_boots(*database_, boots_shown)) result.boots = std::move(*boots);
    if (auto first = store::first_boot(*database_, generation_); first && !generation_.empty())
      result.first = std::move(*first);
  }
  const bool is_kept = database_ && database_->writable();
  if (!news.boot.id.empty() && !is_kept) merge(unwritten_, news.boot);
  for (const store::Boot& boot : unwritten_) merge(result.boots, boot);
  result.trouble = trouble_;
  return result;
}

Recorder::Recorder(Remember remember, Done done)
    : remember_(std::move(remember)), done_(std::move(done)), thread_([this] { run(); }) {}

Recorder::~Recorder() {
  {
    const std::lock_guard hold(mutex_);
    is_ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Recorder::push(News news) {
  {
    const std::lock_guard hold(mutex_);
    waiting_.push_back(std::move(news));
  }
  changed_.notify_one();
}

bool Recorder::is_busy() const {
  const std::lock_guard hold(mutex_);
  return is_working_ || !waiting_.empty();
}

void Recorder::run() {
  std::unique_lock hold(mutex_);
  while (true) {
    changed_.wait(hold, [this] { return is_ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::vector<News> pieces = std::exchange(waiting_, {});
    is_working_ = true;
    hold.unlock();
    for (const News& news : pieces) done_(remember_(news));
    hold.lock();
    is_working_ = false;
  }
}

}  // namespace fettle::app
