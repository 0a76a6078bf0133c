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

void follow(Histories& histories, const std::vector<Shelf>& shelves,
            std::chrono::system_clock::time_point now) {
  std::erase_if(histories, [&](const auto& entry) {
    return std::none_of(shelves.begin(), shelves.end(),
                        [&](const Shelf& shelf) { return shelf.name == entry.first; });
  });
  for (const Shelf& shelf : shelves) {
    const ProgressSample sample{now, shelf.done, shelf.verified};
    const auto found = histories.find(shelf.name);
    const bool is_news =
        found != histories.end() && !found->second.empty() && !are_same(found->second.back(), sample);
    if (shelf.progress == Progress::working || is_news) remember(histories[shelf.name], sample);
  }
}

}  // namespace fettle::serve
