#include "health/tally.h"

#include <algorithm>

namespace fettle::health {

void Tally::add(std::string where, Finding finding) {
  seen_.push_back({std::move(where), std::move(finding)});
}

Finding Tally::finding(std::string fine) const {
  const auto worst = std::max_element(seen_.begin(), seen_.end(), [](const Seen& a, const Seen& b) {
    return a.finding.status < b.finding.status;
  });
  if (worst == seen_.end() || worst->finding.status == Status::pass)
    return {Status::pass, std::move(fine), {}};
  constexpr std::size_t most_named = 3;
  std::vector<const Seen*> told;
  for (const Seen& one : seen_) {
    if (one.finding.status == worst->finding.status) told.push_back(&one);
  }
  const std::string& says = worst->finding.says;
  const bool alike =
      std::all_of(told.begin(), told.end(), [&](const Seen* one) { return one->finding.says == says; });
  std::string text;
  if (alike && told.size() > 1) {
    text = told.size() == seen_.size() ? "all " : "";
    text += std::to_string(told.size()) + " GPUs: " + says;
  } else {
    for (std::size_t i = 0; i < std::min(most_named, told.size()); ++i)
      text += (i == 0 ? "" : "; ") + told[i]->where + ": " + told[i]->finding.says;
    if (told.size() > most_named) text += "; and " + std::to_string(told.size() - most_named) + " more";
  }
  return {worst->finding.status, std::move(text), worst->finding.hint};
}

}  // namespace fettle::health
