#include "serve/ledger.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "serve/print.h"

namespace fettle::serve {
namespace {

namespace json = boost::json;
using std::chrono::duration_cast;
using std::chrono::seconds;

// Whether there are findings whose ids begin so, and all of them are in order.
template <std::size_t n>
bool are_in_order(const Findings& findings, const std::array<std::string_view, n>& prefixes) {
  bool is_any = false;
  for (const NamedFinding& named : findings) {
    const bool is_one = std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
      return std::string_view(named.id).starts_with(prefix);
    });
    if (!is_one) continue;
    is_any = true;
    if (named.finding.status == Status::fail || named.finding.status == Status::unknown) return false;
  }
  return is_any;
}

seconds since_boot(const store::Boot& boot, const store::Stage& stage) {
  // A clock that was set back between the two is no negative time.
  return std::max(seconds(0), duration_cast<seconds>(stage.at - boot.at));
}

json::object boot_json(const store::Boot& boot, const std::optional<Price>& price) {
  json::array stages;
  for (const store::Stage& stage : boot.stages) {
    const seconds after = since_boot(boot, stage);
    json::object row{{"name", stage.name},
                     {"at", utc(stage.at)},
                     {"seconds", after.count()},
                     {"bytes", stage.bytes.count},
                     {"cost_thousandths", nullptr}};
    if (price) row["cost_thousandths"] = cost_of(*price, after);
    stages.emplace_back(std::move(row));
  }
  json::value generation = nullptr;
  if (!boot.generation.empty()) generation = boot.generation;
  return {{"id", boot.id},
          {"kernel_started_at", utc(boot.at)},
          {"generation", std::move(generation)},
          {"stages", std::move(stages)}};
}

}  // namespace

std::vector<store::Stage> stages_reached(const Inputs& inputs, const Verdict& verdict) {
  constexpr std::array<std::string_view, 1> of_cache{"cache."};
  constexpr std::array<std::string_view, 2> of_gpus{"gpu.", "driver."};
  std::vector<store::Stage> stages;
  if (!inputs.cache.path.empty() && inputs.cache.total && are_in_order(inputs.findings, of_cache))
    stages.push_back({"cache", inputs.taken_at, *inputs.cache.total});
  if (inputs.gpus.wanted > 0 && inputs.gpus.seen && *inputs.gpus.seen >= inputs.gpus.wanted &&
      are_in_order(inputs.findings, of_gpus)) {
    stages.push_back({"gpus", inputs.taken_at, {}});
  }
  for (const Shelf& shelf : inputs.shelves) {
    if (shelf.progress == Progress::ready)
      stages.push_back({"shelf." + shelf.name, inputs.taken_at, std::max(shelf.done, shelf.total)});
  }
  if (verdict.state == State::ready) stages.push_back({"ready", inputs.taken_at, {}});
  for (const Engine& engine : inputs.engines) {
    if (engine.served_at) stages.push_back({"served." + engine.name, *engine.served_at, {}});
    if (engine.token_at) stages.push_back({"token." + engine.name, *engine.token_at, {}});
  }
  return stages;
}

std::int64_t cost_of(const Price& price, seconds since_boot) {
  constexpr std::int64_t hour = 3600;
  return (price.thousandths_per_hour * since_boot.count() + hour / 2) / hour;
}

json::object ledger_json(const Inputs& inputs) {
  json::object answer{
      {"taken_at", utc(inputs.taken_at)}, {"boot", nullptr}, {"first", nullptr}, {"price", nullptr}};
  json::array earlier;
  for (const store::Boot& boot : inputs.boots) {
    if (boot.id == inputs.boot_id) {
      answer["boot"] = boot_json(boot, inputs.price);
    } else {
      earlier.emplace_back(boot_json(boot, inputs.price));
    }
  }
  answer["earlier"] = std::move(earlier);
  if (inputs.first_boot) answer["first"] = boot_json(*inputs.first_boot, inputs.price);
  if (inputs.price) {
    answer["price"] = json::object{{"thousandths_per_hour", inputs.price->thousandths_per_hour},
                                   {"currency", inputs.price->currency}};
  }
  return answer;
}

}  // namespace fettle::serve
