#include "serve/history.h"

#include <algorithm>

namespace fettle::serve {
namespace {

bool are_same(const ProgressSample& a, const ProgressSample& b) {
  return a.done == b.done && a.verified == b.verified;
}

// Every second one goes; the first and the last stay.
void thin(std::vector<ProgressSample>& history) {
  std::vector<ProgressSample> kept;
  for (std::size_t i = 0; i < history.size(); ++i) {
    if (i % 2 == 0 || i + 1 == history.size()) kept.push_back(history[i]);
  }
  history = std::move(kept);
}

void remember(std::vector<ProgressSample>& history, const ProgressSample& sample) {
  if (!history.empty() && sample.at <= history.back().at) history.clear();
  const std::size_t count = history.size();
  if (count >= 2 && are_same(history[count - 1], sample) && are_same(history[count - 2], sample)) {
    history.back().at = sample.at;
    return;
  }
  history.push_back(sample);
  if (history.size() > samples_kept) thin(history);
}

}  // namespace

Followed follow(Histories& histories, const std::vector<Shelf>& shelves,
                std::chrono::system_clock::time_point now) {
  const std::size_t forgotten = std::erase_if(histories, [&](const auto& entry) {
    return std::none_of(shelves.begin(), shelves.end(),
                        [&](const Shelf& shelf) { return shelf.name == entry.first; });
  });
  Followed followed = forgotten > 0 ? Followed::more : Followed::nothing;
  for (const Shelf& shelf : shelves) {
    const ProgressSample sample{now, shelf.done, shelf.verified};
    const auto found = histories.find(shelf.name);
    // One that waits, or is unknown, may only not have been looked at yet: nothing went away.
    const bool is_resting = shelf.progress == Progress::ready || shelf.progress == Progress::stopped;
    const bool is_news = is_resting && found != histories.end() && !found->second.empty() &&
                         !are_same(found->second.back(), sample);
    if (shelf.progress != Progress::working && !is_news) continue;
    remember(histories[shelf.name], sample);
    followed = Followed::more;
  }
  return followed;
}

std::vector<store::Growth> to_growth(const Histories& histories) {
  std::vector<store::Growth> all;
  for (const auto& [shelf, history] : histories) {
    for (const ProgressSample& sample : history)
      all.push_back({shelf, sample.at, sample.done, sample.verified});
  }
  return all;
}

void restore(Histories& histories, const std::vector<store::Growth>& kept,
             std::chrono::system_clock::time_point now) {
  Histories before;
  for (const store::Growth& each : kept) {
    if (each.at <= now) before[each.shelf].push_back({each.at, each.done, each.verified});
  }
  for (auto& [shelf, history] : before) {
    if (now - history.back().at > history_kept_for) continue;
    std::vector<ProgressSample>& since = histories[shelf];
    const auto is_later = [&](const ProgressSample& sample) {
      return !since.empty() && sample.at >= since.front().at;
    };
    std::erase_if(history, is_later);
    since.insert(since.begin(), history.begin(), history.end());
    while (since.size() > samples_kept) thin(since);
  }
}

}  // namespace fettle::serve
