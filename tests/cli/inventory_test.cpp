#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "base/json.h"
#include "cli/commands.h"
#include "support/fakes.h"
#include "support/source.h"
#include "support/tree.h"

using namespace fettle;
using fettle::test::Tree;

namespace {

struct Answer {
  int code = 0;
  std::string out;
  std::string err;
};

Answer run(const Tree& tree, const std::vector<std::string>& arguments) {
  test::FakeRunner runner;
  test::FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  cli::Context context{{tree.files(), runner, clock}, cli::Format::text, out, err};
  const int code = cli::run_inventory(context, arguments);
  return {code, out.str(), err.str()};
}

// What a node answers, from the golden page: taken at the moment that the clock of the tests begins with.
std::string status() {
  std::ifstream in(test::tests_dir() / "golden/serve-status.json");
  std::ostringstream text;
  text << in.rdbuf();
  REQUIRE(text.str().find("2025-11-24T16:00:00Z") != std::string::npos);
  return text.str();
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

boost::json::value parsed(const Answer& answer) {
  const auto value = parse_json(answer.out, "the answer");
  REQUIRE(value);
  return *value;
}

std::string hosts(const boost::json::value& inventory, std::string_view group) {
  std::string all;
  const boost::json::value* const found = json_field(inventory, group);
  if (found == nullptr) return "no such group";
  for (const auto& host : json_list(*found, "hosts"))
    all += (all.empty() ? "" : " ") + std::string(host.as_string());
  return all;
}

void install(Tree& tree) {
  tree.file("/fleet/gpu-01.json", status())
      .file("/fleet/gpu-02.example.json", replaced(status(), "\"state\": \"ready\"", "\"state\": \"failed\""))
      .file("/fleet/gpu-03.json", replaced(status(), "2025-11-24T16:00:00Z", "2025-11-20T16:00:00Z"))
      .file("/fleet/gpu-04.json", replaced(status(), "\"stale\": false", "\"stale\": true"))
      .file("/fleet/gpu-05.json", "")
      .file("/fleet/gpu-06.json", "{}")
      .file("/fleet/two words.json", status())
      .file("/fleet/README", "no node")
      .file("/fleet/.gpu-07.json", "half written");
}

}  // namespace

TEST_CASE("cli inventory: Ansible gets the nodes by state, profile, version and shelf") {
  Tree tree;
  install(tree);
  const Answer answer = run(tree, {"/fleet", "--list"});
  CHECK(answer.code == 0);
  CHECK(answer.err == "fettle: '/fleet/two words.json' is not named after a host, ignoring\n");
  const auto inventory = parsed(answer);
  CHECK(hosts(inventory, "fettle") == "gpu-01 gpu-02.example gpu-03 gpu-04 gpu-05 gpu-06");
  CHECK(hosts(inventory, "fettle_state_ready") == "gpu-01");
  CHECK(hosts(inventory, "fettle_state_failed") == "gpu-02.example");
  CHECK(hosts(inventory, "fettle_profile_mi300x") == "gpu-01 gpu-02.example gpu-03 gpu-04");
  CHECK(hosts(inventory, "fettle_version_0_1_0") == "gpu-01 gpu-02.example gpu-03 gpu-04");
  CHECK(hosts(inventory, "fettle_ready_tiny") == "gpu-01 gpu-02.example");
  CHECK(run(tree, {"/fleet"}).out == answer.out);
}

TEST_CASE("cli inventory: a node that did not tell, or long ago, is unknown and still there (F54)") {
  Tree tree;
  install(tree);
  const auto inventory = parsed(run(tree, {"/fleet"}));
  CHECK(hosts(inventory, "fettle_state_unknown") == "gpu-03 gpu-04 gpu-05 gpu-06");
  const auto& variables = inventory.at("_meta").at("hostvars");
  CHECK(json_text(variables.at("gpu-03"), "fettle_said") == "its status is of 2025-11-20T16:00:00Z");
  CHECK(json_text(variables.at("gpu-05"), "fettle_said").find("cannot") == 0);
  CHECK(json_text(variables.at("gpu-06"), "fettle_said") ==
        "'/fleet/gpu-06.json' is no answer of `fettle status --json`");
  CHECK(json_text(parsed(run(tree, {"/fleet", "--host", "gpu-03"})), "fettle_state") == "unknown");
  CHECK(run(tree, {"/fleet", "--host", "nobody"}).out == "{}\n");
}

TEST_CASE("cli inventory: Prometheus gets every node as a target, with its profile") {
  Tree tree;
  install(tree);
  const auto targets = parsed(run(tree, {"/fleet", "--as", "file-sd", "--port", "9101"}));
  REQUIRE(targets.as_array().size() == 2);
  CHECK(json_list(targets.at(0), "targets").size() == 2);  // nobody knows their profile
  CHECK(targets.at(0).at("labels").as_object().empty());
  CHECK(targets.at(1).at("targets").at(0) == "gpu-01:9101");
  CHECK(json_text(targets.at(1).at("labels"), "profile") == "mi300x");
}

TEST_CASE("cli inventory: a directory that is not there is an error, a wrong command line a usage error") {
  Tree tree;
  CHECK(run(tree, {"/fleet"}).code == cli::failed);
  CHECK(run(tree, {"/fleet"}).err.find("cannot list '/fleet'") != std::string::npos);
  CHECK(run(tree, {}).code == cli::usage);
  CHECK(run(tree, {"/fleet", "--as", "nagios"}).code == cli::usage);
  CHECK(run(tree, {"/fleet", "--port", "0"}).code == cli::usage);
}
