#include <doctest/doctest.h>

#include "base/json.h"
#include "base/names.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/served_node.h"
#include "cli/wait_goal.h"

using namespace fettle;
using namespace fettle::cli;

namespace {

serve::Inputs node_with(Status cache, serve::Progress shelf) {
  serve::Inputs inputs;
  inputs.profile = "mi300x";
  inputs.findings = {{"cache.mounted", "cache", {cache, "nothing is mounted", {}}, {}},
                     {"gpu.count", "gpus", {Status::pass, "8", {}}, {}}};
  inputs.cache.path = "/srv/fettle";
  inputs.gpus = {"MI300X", 8, 8U, "6.14.14"};
  inputs.shelves.resize(1);
  inputs.shelves[0].name = "tiny";
  inputs.shelves[0].progress = shelf;
  inputs.shelves[0].word = "fetching";
  return inputs;
}

using Node = test::ServedNode;

}  // namespace

TEST_CASE("wait: what is reached ends with 0, what is not with 75 and what is missing") {
  Node ready(node_with(Status::pass, serve::Progress::ready));
  for (const char* goal : {"ready", "cache", "gpu", "shelf=tiny"}) {
    CAPTURE(goal);
    CHECK(ready.run(&run_wait, {"--for", goal, "--timeout", "5"}) == 0);
    CHECK(ready.out.str() == std::string(goal) + ": reached after 0 s\n");
  }
  Node node(node_with(Status::fail, serve::Progress::working));
  const auto before = node.clock.steady();
  CHECK(node.run(&run_wait, {"--for", "ready", "--timeout", "5"}) == 75);
  CHECK(node.clock.steady() - before == std::chrono::seconds(5));
  CHECK(node.err.str() ==
        "fettle: not reached after 5 s: ready\n"
        "  missing: cache.mounted: nothing is mounted\n"
        "  missing: shelf tiny: fetching\n"
        "  hint: `fettle status` shows the whole node\n");
  CHECK(node.run(&run_wait, {"--for", "cache", "--timeout", "0"}) == 75);
  CHECK(node.run(&run_wait, {"--for", "gpu", "--timeout", "1"}) == 0);
  CHECK(node.run(&run_wait, {"--for", "shelf=tiny", "--timeout", "1"}, Format::json) == 75);
  const auto answer = parse_json(node.out.str(), "the answer");
  REQUIRE(answer);
  CHECK(json_text(*answer, "for") == "shelf=tiny");
  CHECK(json_field(*answer, "missing")->as_array().at(0).as_string() == "shelf tiny: fetching");
}

TEST_CASE("wait: what a node may keep from us is not named as missing, what is broken is") {
  serve::Inputs inputs = node_with(Status::fail, serve::Progress::ready);
  for (const char* const id : {"log.gpu", "env.drift", "host.governor", "log.bus"})
    inputs.findings.push_back({id, "hidden", {Status::unknown, "nothing was collected yet", {}}, {}});
  inputs.findings.push_back({"ras.errors", "errors", {Status::fail, "3 of umc", {}}, {}});
  Node node(inputs);
  CHECK(node.run(&run_wait, {"--for", "ready", "--timeout", "1"}) == 75);
  CHECK(node.err.str() ==
        "fettle: not reached after 1 s: ready\n"
        "  missing: cache.mounted: nothing is mounted\n"
        "  missing: ras.errors: 3 of umc\n"
        "  hint: `fettle status` shows the whole node\n");
}

TEST_CASE("wait: what cannot come, and what nobody can wait for") {
  Node node(node_with(Status::pass, serve::Progress::ready));
  CHECK(node.run(&run_wait, {"--for", "shelf=none", "--timeout", "5"}) == 64);
  CHECK(node.err.str().find("the profile wants no such shelf") != std::string::npos);
  CHECK(node.run(&run_wait, {"--for", "shelf=", "--timeout", "5"}) == 64);
  CHECK(node.run(&run_wait, {"--for", "everything", "--timeout", "5"}) == 64);
  CHECK(node.run(&run_wait, {"--for", "ready"}) == 0);  // without a limit, and it is
  CHECK(node.run(&run_wait, {"--for", "ready", "--timeout", "-1"}) == 64);
  CHECK(node.run(&run_wait, {"--for", "ready", "--timeout", "1e9"}) == 64);
  CHECK(node.run(&run_wait, {"--help"}) == 0);
}

TEST_CASE("wait and status: without a daemon") {
  Node node;
  const auto before = node.clock.steady();
  CHECK(node.run(&run_wait, {"--for", "ready", "--timeout", "3"}) == 69);
  CHECK(node.clock.steady() - before == std::chrono::seconds(3));
  CHECK(node.run(&run_wait, {"--for", "ready", "--timeout", "600"}) == 69);
  CHECK(node.clock.steady() - before == std::chrono::seconds(13));
  CHECK(node.run(&run_status, {}) == 3);
  CHECK(node.err.str().find("hint: is the daemon running?") != std::string::npos);
}

TEST_CASE("wait: a stale answer reaches nothing") {
  serve::Inputs inputs = node_with(Status::pass, serve::Progress::ready);
  inputs.refresh =
      std::chrono::seconds(1);  // taken when the clock began, so it is old on any machine that runs
  Node node(inputs);
  CHECK(node.run(&run_wait, {"--for", "cache", "--timeout", "1"}) == 75);
  CHECK(node.err.str().find("missing: a fresh look") != std::string::npos);
  CHECK(node.run(&run_status, {}) == 3);
}

TEST_CASE("status: the page, the exit code of the state, and the daemon's own words with --json") {
  Node node(node_with(Status::fail, serve::Progress::working));
  CHECK(node.run(&run_status, {}) == 2);
  CHECK(node.out.str().rfind("failed   cache.mounted: nothing is mounted\n", 0) == 0);
  CHECK(node.run(&run_status, {}, Format::json) == 2);
  CHECK(node.out.str().rfind("{\"api\":1,\"age_seconds\":", 0) == 0);
  CHECK(node.run(&run_status, {"--nonsense"}) == 64);
}

TEST_CASE("client: one connection for several questions, and an error body is an answer") {
  Node node(node_with(Status::pass, serve::Progress::ready));
  Client client(node.tree.files());
  CHECK(client.get("/v1/health")->status == 200);
  CHECK(client.get("/v1/none")->status == 404);
  CHECK(client.get("/metrics")->body.find("fettle_serve_connections 1\n") != std::string::npos);
}
