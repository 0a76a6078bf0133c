#include <doctest/doctest.h>

#include "base/json.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/served_node.h"
#include "serve/inputs.h"
#include "support/golden.h"

using namespace fettle;
using namespace fettle::cli;
using fettle::test::ServedNode;

TEST_CASE("ledger: the page that a person sees") {
  ServedNode node(test::ready_node());
  CHECK(node.run(&run_ledger, {}) == 0);
  test::check_golden("cli-ledger.txt", node.out.str());
  CHECK(node.run(&run_ledger, {}, Format::json) == 0);
  CHECK(parse_json(node.out.str(), "the answer"));

  serve::Inputs inputs = test::ready_node();
  inputs.first_boot = inputs.boots[1];
  ServedNode second(inputs);
  CHECK(second.run(&run_ledger, {}) == 0);
  CHECK(second.out.str().find("the boot before, when the cache was new\n") != std::string::npos);
  inputs.first_boot = inputs.boots[0];
  inputs.boots.pop_back();
  ServedNode blank(inputs);
  CHECK(blank.run(&run_ledger, {}) == 0);
  CHECK(blank.out.str().find("cost          \n") != std::string::npos);  // this boot is all there is

  inputs.boots.clear();
  ServedNode fresh(inputs);
  CHECK(fresh.run(&run_ledger, {}) == 0);
  CHECK(fresh.out.str() == "nothing is reached in this boot yet\n");
}

TEST_CASE("ledger and events: without a daemon, and with words that are none") {
  ServedNode node;
  CHECK(node.run(&run_ledger, {}) == 69);
  CHECK(node.run(&run_events, {}) == 69);
  CHECK(node.err.str().find("systemctl status fettled") != std::string::npos);
  CHECK(node.run(&run_events, {"--folow"}) == 64);
}

TEST_CASE("events: a line each, and nothing in them steers the terminal") {
  serve::Inputs inputs = test::ready_node();
  inputs.events.push_back({8, {}, "shelf.tiny", "failed: \x1B[2J\nforged line"});
  ServedNode node(inputs);
  CHECK(node.run(&run_events, {}) == 0);
  CHECK(node.out.str().find("2025-11-24T11:00:41Z  cache.mounted  pass: mounted on /srv/fettle\n") !=
        std::string::npos);
  CHECK(node.out.str().find('\x1B') == std::string::npos);
  CHECK(node.out.str().find("  shelf.tiny  failed:  [2J forged line\n") != std::string::npos);
}

TEST_CASE("events: a client follows them and resumes") {
  ServedNode node(test::ready_node());
  node.happen({{1, {}, "node", "starting"}, {2, {}, "node", "ready"}});
  Client client(node.tree.files());
  std::int64_t last_id = 0;
  std::string seen;
  const auto until_ready = [&](const boost::json::value& event) {
    seen += json_text(event, "says") + " ";
    return json_text(event, "says") != "ready";
  };
  CHECK(client.follow(last_id, until_ready));
  CHECK(seen == "starting ready ");
  CHECK(last_id == 2);
  node.happen({{3, {}, "node", "failed"}, {4, {}, "node", "ready"}});
  seen.clear();
  CHECK(client.follow(last_id, until_ready));
  CHECK(seen == "failed ready ");
}
