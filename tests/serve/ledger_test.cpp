#include "serve/ledger.h"

#include <doctest/doctest.h>

#include "serve/inputs.h"

using namespace fettle;
using namespace fettle::serve;
using fettle::test::finding;
using fettle::test::ready_node;

namespace {

std::string names(const Inputs& inputs) {
  std::string all;
  for (const store::Stage& stage : stages_reached(inputs, judge(inputs))) all += stage.name + " ";
  return all;
}

}  // namespace

TEST_CASE("ledger: a stage is reached when it was seen, and not before") {
  CHECK(names(ready_node()) == "cache gpus shelf.tiny shelf.large ready served.main ");
  CHECK(names({}).empty());
  struct Row {
    const char* what;
    void (*change)(Inputs&);
    const char* left;
  };
  const Row rows[] = {
      {"the cache is not in order", [](Inputs& in) { in.findings[2].finding.status = Status::fail; },
       "gpus shelf.tiny shelf.large "},
      {"nobody could look at the driver", [](Inputs& in) { in.findings[1].finding.status = Status::unknown; },
       "cache shelf.tiny shelf.large "},
      {"a GPU is missing", [](Inputs& in) { in.gpus.seen = 7; }, "cache shelf.tiny shelf.large ready "},
      {"the GPUs could not be counted", [](Inputs& in) { in.gpus.seen = {}; },
       "cache shelf.tiny shelf.large ready "},
      {"no GPU is wanted", [](Inputs& in) { in.gpus.wanted = 0; }, "cache shelf.tiny shelf.large ready "},
      {"a shelf is on its way", [](Inputs& in) { in.shelves[1].progress = Progress::working; },
       "cache gpus shelf.tiny "},
      {"no cache is wanted", [](Inputs& in) { in.cache = {}; }, "gpus shelf.tiny shelf.large ready "},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Inputs inputs = ready_node();
    inputs.engines.clear();
    row.change(inputs);
    CHECK(names(inputs) == row.left);
  }
}

TEST_CASE(
    "ledger: when an engine served and gave a token is what the watch wrote, not when the daemon saw it") {
  Inputs inputs = ready_node();
  const auto served = inputs.taken_at - std::chrono::minutes(7);
  inputs.engines = {
      {"main", "http://127.0.0.1:8000", "silent", {}, served, served + std::chrono::seconds(3)}};
  const auto stages = stages_reached(inputs, judge(inputs));
  REQUIRE(stages.size() == 7);
  CHECK(stages[5].name == "served.main");
  CHECK(stages[5].at == served);
  CHECK(stages[6].name == "token.main");
  CHECK(stages[6].at == served + std::chrono::seconds(3));
}

TEST_CASE("ledger: time is money, and a clock that was set back is not") {
  CHECK(cost_of({31200, "USD"}, std::chrono::hours(1)) == 31200);
  CHECK(cost_of({31200, "USD"}, std::chrono::seconds(41)) == 355);
  CHECK(cost_of({0, "USD"}, std::chrono::hours(5)) == 0);
  CHECK(cost_of({999'999'999'999, "USD"}, std::chrono::hours(24 * 100)) == 2'399'999'999'997'600);
  Inputs inputs = ready_node();
  inputs.boots[0].stages[0].at = inputs.boots[0].at - std::chrono::hours(1);
  const auto told = ledger_json(inputs);
  CHECK(told.at("boot").as_object().at("stages").as_array()[0].as_object().at("seconds") == 0);
  inputs.boot_id = "";  // could not look: no boot is this one
  CHECK(ledger_json(inputs).at("boot").is_null());
}
