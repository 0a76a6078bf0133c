// The node in one word, by the rules that snapshot.h states.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "serve/hidden.h"
#include "serve/snapshot.h"

namespace fettle::serve {
namespace {

// A fail of these leaves a node that serves, only not as it was wanted.
constexpr std::array<std::string_view, 3> degrading{"config.", "env.", "engine."};

// What may come late after boot. A fail of the cache never settles by waiting; "not reported yet" does.
constexpr std::array<std::string_view, 2> late{"driver.", "gpu."};
constexpr std::array<std::string_view, 4> late_to_know{"driver.", "gpu.", "cache.", "drive."};

template <std::size_t N>
bool is_one_of(std::string_view id, const std::array<std::string_view, N>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return id.substr(0, prefix.size()) == prefix; });
}

// The first thing that made the state, and how many more there are of its kind.
struct Kind {
  std::string first;
  std::size_t count = 0;

  void add(std::string_view name, std::string_view says) {
    if (count++ == 0) first = std::string(name) + ": " + std::string(says);
  }
  std::string sentence() const {
    return count < 2 ? first : first + " (and " + std::to_string(count - 1) + " more)";
  }
};

struct Kinds {
  Kind failed, unknown, degraded, starting;
  std::size_t warnings = 0;
  std::size_t hidden = 0;
};

void sort_finding(const NamedFinding& named, bool settling, Kinds& kinds) {
  const std::string_view id = named.id;
  switch (named.finding.status) {
    case Status::fail:
      if (is_one_of(id, degrading)) {
        kinds.degraded.add(id, named.finding.says);
      } else if (settling && is_one_of(id, late)) {
        kinds.starting.add(id, named.finding.says);
      } else {
        kinds.failed.add(id, named.finding.says);
      }
      return;
    case Status::unknown:
      if (may_be_hidden(id)) {
        ++kinds.hidden;
      } else {
        (settling && is_one_of(id, late_to_know) ? kinds.starting : kinds.unknown)
            .add(id, named.finding.says);
      }
      return;
    case Status::warn:
      ++kinds.warnings;
      return;
    case Status::pass:
    case Status::not_applicable:
      return;
  }
}

void sort_shelf(const Shelf& shelf, bool settling, Kinds& kinds) {
  const std::string name = "shelf " + shelf.name;
  const std::string says = shelf.error.empty() ? shelf.word : shelf.error;
  switch (shelf.progress) {
    case Progress::ready:
      return;
    case Progress::waiting:
    case Progress::working:
      kinds.starting.add(name, says);
      return;
    case Progress::stopped:
      kinds.degraded.add(name, says);
      return;
    case Progress::unknown:
      (settling ? kinds.starting : kinds.unknown).add(name, says);
      return;
  }
}

}  // namespace

std::string_view to_text(State state) {
  switch (state) {
    case State::starting:
      return "starting";
    case State::ready:
      return "ready";
    case State::degraded:
      return "degraded";
    case State::failed:
      return "failed";
    case State::unknown:
      return "unknown";
  }
  return "unknown";
}

Verdict judge(const Inputs& inputs) {
  const bool settling = inputs.uptime && *inputs.uptime < settling_time;
  Kinds kinds;
  for (const NamedFinding& named : inputs.findings) {
    // A shelf's own finding says again what the shelf says; other ids of that room ("shelf.client") count.
    const bool is_shelf = std::any_of(inputs.shelves.begin(), inputs.shelves.end(),
                                      [&](const Shelf& shelf) { return named.id == "shelf." + shelf.name; });
    if (!is_shelf) sort_finding(named, settling, kinds);
  }
  for (const Shelf& shelf : inputs.shelves) sort_shelf(shelf, settling, kinds);

  if (kinds.failed.count > 0) return {State::failed, kinds.failed.sentence()};
  if (inputs.findings.empty()) return {State::unknown, "nothing was looked at yet"};
  if (kinds.unknown.count > 0) return {State::unknown, kinds.unknown.sentence()};
  if (kinds.degraded.count > 0) return {State::degraded, kinds.degraded.sentence()};
  if (kinds.starting.count > 0) return {State::starting, kinds.starting.sentence()};
  std::string why = "all that is wanted is there";
  if (kinds.warnings > 0) why += ", with " + count_of(kinds.warnings, "warning");
  if (kinds.hidden > 0) why += "; " + count_of(kinds.hidden, "check") + " could not look";
  return {State::ready, why};
}

}  // namespace fettle::serve
