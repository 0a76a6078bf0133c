#include <doctest/doctest.h>

#include "base/json.h"
#include "cli/amount_text.h"
#include "cli/commands.h"
#include "cli/served_node.h"
#include "serve/inputs.h"

using namespace fettle;
using namespace fettle::cli;
using fettle::test::ServedNode;

namespace {

serve::Inputs known_node() {
  serve::Inputs inputs = test::ready_node();
  const auto at = inputs.taken_at;
  inputs.made_at = at;
  inputs.refresh = {};  // never stale: it was looked at when the machine started
  inputs.acknowledgements = {{"host.numa_balancing", "warn", "numa_balancing is 1 \"on\"\nfor all",
                              "uid 1000", "measured: no difference\x1B[2J", at, at + std::chrono::hours(8)}};
  return inputs;
}

}  // namespace

TEST_CASE("acknowledge: what is asked for reaches the daemon") {
  serve::Inputs inputs = test::ready_node();
  inputs.acknowledgements.clear();
  ServedNode node(inputs);
  CHECK(node.run(&run_acknowledge, {"host.numa_balancing", "--for", "8h", "--because", "it is measured"}) ==
        0);
  CHECK(node.out.str() == "host.numa_balancing is acknowledged as it is now\n");
  REQUIRE(node.acknowledged.size() == 1);
  CHECK(node.acknowledged[0].check == "host.numa_balancing");
  CHECK(node.acknowledged[0].time == std::chrono::hours(8));
  CHECK(node.acknowledged[0].because == "it is measured");

  CHECK(node.run(&run_acknowledge, {"os.release", "--for", "8h", "--because", "x"}) == 2);
  CHECK(node.err.str().find("os.release is pass") != std::string::npos);
  CHECK(node.run(&run_acknowledge, {"os.relase", "--for", "8h", "--because", "x"}) == 2);
  CHECK(node.run(&run_acknowledge, {"host.numa_balancing", "--withdraw"}) == 2);
  CHECK(node.err.str().find("nobody has acknowledged") != std::string::npos);
  CHECK(node.run(&run_acknowledge, {"--list"}) == 0);
  CHECK(node.out.str() == "nothing is acknowledged\n");
  CHECK(node.acknowledged.size() == 1);
}

TEST_CASE("acknowledge: words that are no wish are refused before anybody is asked") {
  ServedNode node;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"gpu.pcie"},
                                             {"gpu.pcie", "--for", "8h"},
                                             {"gpu.pcie", "--because", "x"},
                                             {"gpu.pcie", "--withdraw", "--for", "8h"},
                                             {"gpu.pcie", "--list"},
                                             {"--list", "--withdraw"},
                                             {"gpu.pcie", "--for", "8", "--because", "x"},
                                             {"gpu.pcie", "--for", "soon", "--because", "x"}}) {
    CHECK(node.run(&run_acknowledge, words) == 64);
  }
  CHECK(node.run(&run_acknowledge, {"gpu.pcie", "--for", "8h", "--because", "x"}) == 69);
  CHECK(node.run(&run_acknowledge, {"--list"}) == 69);
}

TEST_CASE("acknowledge: the list, and nothing in it steers the terminal") {
  ServedNode node(known_node());
  CHECK(node.run(&run_acknowledge, {"--list"}) == 0);
  CHECK(node.out.str() ==
        "host.numa_balancing  warn until 2025-11-25T00:00:00Z by uid 1000: measured: no difference [2J\n"
        "  it said: numa_balancing is 1 \"on\" for all\n");
  CHECK(node.run(&run_acknowledge, {"--list"}, Format::json) == 0);
  CHECK(json_list(*parse_json(node.out.str(), "the answer"), "acknowledgements").size() == 1);
  CHECK(node.run(&run_acknowledge, {"host.numa_balancing", "--withdraw"}) == 0);
  CHECK(node.withdrawn == std::vector<std::string>{"host.numa_balancing"});
  CHECK(node.run(&run_status, {}) == 0);
  CHECK(node.out.str().find("known: acknowledged until 2025-11-25T00:00:00Z by uid 1000:") !=
        std::string::npos);

  serve::Inputs changed = known_node();
  changed.acknowledgements[0].says = "numa_balancing is 0";
  ServedNode other(changed);
  CHECK(other.run(&run_acknowledge, {"--list"}) == 0);
  CHECK(other.out.str().find("holds for nothing now") != std::string::npos);
  CHECK(other.run(&run_status, {}) == 0);
  CHECK(other.out.str().find("known:") == std::string::npos);
}

TEST_CASE("acknowledge: times need their unit") {
  using std::chrono::seconds;
  CHECK(*parse_duration("90s") == seconds(90));
  CHECK(*parse_duration("30min") == seconds(1800));
  CHECK(*parse_duration("8h") == seconds(28800));
  CHECK(*parse_duration("2d") == seconds(172800));
  for (const char* const bad :
       {"", "8", "h", "-8h", "8 h", "8H", "8hours", "1.5h", "99999999999999999999h", "9999999d"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration(bad));
  }
}
