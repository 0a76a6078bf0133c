#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "base/json.h"
#include "cli/commands.h"
#include "support/fakes.h"
#include "support/source.h"
#include "support/tree.h"

using namespace fettle;

namespace {

// A node with a list of its own; the root stands in front of what programs see.
struct Node {
  test::Tree tree;
  test::FakeRunner runner;
  test::FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;

  Node() {
    tree.directory("/usr/share/fettle").file("/usr/bin/python3");
    std::filesystem::copy(test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
                          std::filesystem::copy_options::recursive);
    tree.file("/etc/fettle/fettle.yaml",
              "schema: 1\nkind: configuration\nprofile: workstation\ncache:\n  path: /srv/fettle\n");
    tree.file("/etc/fettle/client/requirements.txt",
              "huggingface_hub==1.23.0 --hash=sha256:" + std::string(64, 'a') + "\n");
  }

  int run(const std::vector<std::string>& arguments, cli::Format format = cli::Format::text) {
    out.str({});
    err.str({});
    cli::Context context{{tree.files(), runner, clock}, format, out, err};
    return cli::run_shelf(context, arguments);
  }
};

}  // namespace

TEST_CASE("cli shelf client: a dry run prints what would be run and runs nothing") {
  Node node;
  CHECK(node.run({"client", "install", "--dry-run"}) == cli::ok);
  CHECK(
      node.out.str().find("from '/etc/fettle/client/requirements.txt', 1 package, each with its version and "
                          "hash:\n  " +
                          node.tree.root() + "/usr/bin/python3 -m venv --clear ") == 0);
  CHECK(node.out.str().find("then /opt/fettle/hf leads to /opt/fettle/hf-") != std::string::npos);
  CHECK_FALSE(*node.tree.files().exists("/opt/fettle"));
  CHECK(node.run({"client", "install", "--dry-run"}, cli::Format::json) == cli::ok);
  const auto told = parse_json(node.out.str(), "the answer");
  REQUIRE(told);
  CHECK(json_text(*told, "outcome") == "planned");
  CHECK(json_field(*told, "commands")->as_array().size() == 2);
}

TEST_CASE("cli shelf client: which one is used, and what to do without one") {
  Node node;
  CHECK(node.run({"client", "show"}) == cli::failed);
  CHECK(node.err.str().find("hint: `fettle shelf client install`") != std::string::npos);
  node.tree.file("/usr/bin/hf");
  node.runner.expect(node.tree.root() + "/usr/bin/hf version",
                     system::Completed{0, R"({"version": "1.23.0"})", ""});
  CHECK(node.run({"client", "show"}) == cli::ok);
  CHECK(node.out.str() == node.tree.root() + "/usr/bin/hf, version 1.23.0\n");
  CHECK(node.run({"client", "remove"}) == cli::usage);
}
