#include <doctest/doctest.h>

#include <sstream>

#include "base/json.h"
#include "cli/commands.h"
#include "images/report.h"
#include "support/fakes.h"
#include "support/tables.h"
#include "support/tree.h"

using namespace fettle;
using fettle::test::Tree;
using system::Completed;

namespace {

const std::string digest = "sha256:" + std::string(64, 'a');
const Completed version{0, R"({"Server":{"Version":"27.3.1"}})", ""};
const Completed here{0, R"([{"Size": 7000000, "RepoDigests": ["docker.io/a/b@)" + digest + "\"]}]", ""};
const Completed absent{1, "[]", ""};

struct Node {
  Tree tree;
  test::FakeRunner runner;
  test::FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;

  Node() {
    test::install_tables(tree);
    tree.file("/usr/bin/docker").file("/usr/share/fettle/profiles/node.yaml", "schema: 1\nkind: profile\n");
    tree.file("/etc/fettle/profiles/images/engines.yaml",
              "schema: 1\nkind: images\nimages: [{image: docker.io/a/b, tag: v1, digest: \"" + digest +
                  "\", size: 5 MB, why: a}]\n");
    configure("images: [engines]\n");
  }
  void configure(const std::string& more) {
    tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: node\n" + more);
  }
  int run(const std::vector<std::string>& arguments, cli::Format format = cli::Format::text) {
    out.str("");
    err.str("");
    cli::Context context{{tree.files(), runner, clock}, format, out, err};
    return cli::run_images(context, arguments);
  }
};

}  // namespace

TEST_CASE("cli images: pull brings what is wanted and leaves a report for the daemon") {
  Node node;
  node.runner.expect("/usr/bin/docker", version).expect("/usr/bin/docker", absent);
  CHECK(node.run({"list"}) == cli::partial);
  CHECK(node.out.str() ==
        "engines: wanted, 0 B of 4.8 MiB, docker 27.3.1\n"
        "  wanted   docker.io/a/b:v1, 4.8 MiB\n");
  node.runner.expect("/usr/bin/docker", version).expect("/usr/bin/docker", absent);
  CHECK(node.run({"pull", "--dry-run"}) == cli::ok);
  CHECK(node.out.str() == "/usr/bin/docker --host unix:///run/docker.sock pull --quiet docker.io/a/b@" +
                              digest + "\n/usr/bin/docker --host unix:///run/docker.sock tag docker.io/a/b@" +
                              digest + " docker.io/a/b:v1\n");
  CHECK_FALSE(*node.tree.files().exists("/run/fettle/images"));
  node.runner.expect("/usr/bin/docker", version)
      .expect("/usr/bin/docker", absent)
      .expect("/usr/bin/docker --host unix:///run/docker.sock pull")
      .expect("/usr/bin/docker", here)
      .expect("/usr/bin/docker --host unix:///run/docker.sock tag");
  CHECK(node.run({"pull"}) == cli::ok);
  CHECK(node.out.str() ==
        "engines: ready, 6.7 MiB of 6.7 MiB, docker 27.3.1\n"
        "  ready    docker.io/a/b:v1, 6.7 MiB\n");
  const auto report = images::read_report(node.tree.files(), "engines");
  REQUIRE(report);
  CHECK(images::state_of(*report) == images::State::ready);
  node.runner.expect("/usr/bin/docker", version).expect("/usr/bin/docker", here);
  CHECK(node.run({"pull", "--dry-run"}) == cli::ok);
  CHECK(node.out.str() == "nothing to do: every image is here\n");
}

TEST_CASE("cli images: why the last pull failed is told until the image is here or another one is wanted") {
  Node node;
  node.runner.expect("/usr/bin/docker", version)
      .expect("/usr/bin/docker", absent)
      .expect("/usr/bin/docker --host unix:///run/docker.sock pull", Completed{1, "", "manifest unknown\n"});
  CHECK(node.run({"pull"}) == cli::failed);
  node.runner.expect("/usr/bin/docker", version).expect("/usr/bin/docker", absent);
  CHECK(node.run({"list"}) == cli::failed);
  CHECK(node.out.str().find("  failed   docker.io/a/b:v1") != std::string::npos);
  CHECK(node.out.str().find("manifest unknown") != std::string::npos);
  node.runner.expect("/usr/bin/docker", version).expect("/usr/bin/docker", here);
  CHECK(node.run({"list"}) == cli::ok);
  CHECK(node.out.str().find("manifest unknown") == std::string::npos);
}

TEST_CASE("cli images: an engine that is not there is told, also to the daemon") {
  Node node;
  node.tree.remove("/usr/bin/docker");
  CHECK(node.run({"pull"}, cli::Format::json) == cli::failed);
  const auto answer = parse_json(node.out.str(), "the answer");
  REQUIRE(answer);
  CHECK(json_text(answer->at("images").at(0), "said") ==
        "cannot pull images: neither docker nor podman is installed");
  const auto report = images::read_report(node.tree.files(), "engines");
  REQUIRE(report);
  CHECK(images::judge(report, "engines", node.clock.now()).status == Status::fail);
  CHECK(node.run({"pull", "--dry-run"}) == cli::failed);
}

TEST_CASE("cli images: without wanted images there is nothing to do, with mistakes nothing is done") {
  Node node;
  node.configure("");
  CHECK(node.run({"pull"}) == cli::ok);
  CHECK(node.out.str().find("no images are wanted") == 0);
  node.configure("images: [absent]\n");
  CHECK(node.run({"pull"}) == cli::bad_config);
  CHECK(node.err.str().find("there is no list of images 'absent'") != std::string::npos);
  CHECK(node.run({}) == cli::usage);
  CHECK(node.run({"push"}) == cli::usage);
}
