#include <doctest/doctest.h>

#include <sstream>

#include "base/json.h"
#include "cli/commands.h"
#include "support/fakes.h"
#include "support/tables.h"
#include "support/tree.h"

using namespace fettle;
using fettle::test::Tree;

namespace {

struct Answer {
  int code = 0;
  std::string out;
  std::string err;
};

Answer run(const Tree& tree, const std::vector<std::string>& arguments,
           cli::Format format = cli::Format::text) {
  test::FakeRunner runner;
  test::FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  cli::Context context{{tree.files(), runner, clock}, format, out, err};
  const int code = cli::run_profile(context, arguments);
  return {code, out.str(), err.str()};
}

const std::string good = "schema: 1\nkind: configuration\nprofile: node\n";

}  // namespace

TEST_CASE("cli profile: check answers 0 or 78, and names files as they were typed") {
  Tree tree;
  tree.file("/good.yaml", good).file("/bad.yaml", good + "a: 1\nb: 2\n");
  CHECK(run(tree, {"check", "good.yaml"}).code == 0);
  CHECK(run(tree, {"check", "good.yaml"}).out == "1 file, no mistakes\n");
  const Answer bad = run(tree, {"check", "/good.yaml", "bad.yaml"});
  CHECK(bad.code == 78);
  CHECK(bad.out ==
        "bad.yaml:4:1  unknown key 'a'  known here: schema, kind, profile, shelves, images, cache, price, "
        "engines, "
        "consumers, "
        "places\n"
        "bad.yaml:5:1  unknown key 'b'  known here: schema, kind, profile, shelves, images, cache, price, "
        "engines, "
        "consumers, "
        "places\n");
  CHECK(bad.err == "fettle: 2 mistakes in 2 files\n");
  const Answer json = run(tree, {"check", "bad.yaml"}, cli::Format::json);
  CHECK(json.code == 78);
  CHECK(json.err.empty());
  const auto answer = parse_json(json.out, "the answer");
  REQUIRE(answer);
  const auto& first = answer->at("complaints").at(0);
  CHECK(first.at("line") == 4);
  CHECK(first.at("column") == 1);
  CHECK(json_text(first, "file") == "bad.yaml");
}

TEST_CASE("cli profile: show prints the profile as it is loaded, or why it is not") {
  Tree tree;
  CHECK(run(tree, {"show"}).code == 78);
  tree.file("/etc/fettle/fettle.yaml", good);
  tree.file("/etc/fettle/profiles/node.yaml",
            "schema: 1\nkind: profile\nwhy: ours\ncache: {path: /data}\n"
            "caches: [{name: hf, mode: \"2775\", why: models}]\n"
            "environment: [{name: A, value: \"{cache}/a\", why: b}]\n");
  test::install_tables(tree);
  const Answer text = run(tree, {"show"});
  CHECK(text.code == 0);
  CHECK(text.out.find("/data (a directory; no drive is touched)") != std::string::npos);
  CHECK(text.out.find("A=/data/a") != std::string::npos);
  const auto answer = parse_json(run(tree, {"show"}, cli::Format::json).out, "the answer");
  REQUIRE(answer);
  CHECK(json_text(*answer, "name") == "node");
  CHECK(json_text(answer->at("caches").at(0), "mode") == "2775");
  CHECK(json_text(answer->at("environment").at(0), "value") == "/data/a");
  CHECK(run(tree, {"list"}).out == "profile node  ours\n");
}

TEST_CASE("cli profile: check without a file looks at all that the node is configured with") {
  Tree tree;
  CHECK(run(tree, {"check"}).code == 78);
  test::install_tables(tree);
  tree.file("/etc/fettle/fettle.yaml", good + "shelves: [small]\n")
      .file("/etc/fettle/profiles/node.yaml", "schema: 1\nkind: profile\n")
      .file("/etc/fettle/profiles/shelves/small.yaml",
            "schema: 1\nkind: shelf\nrepositories: [{id: a/b, revision: main, unpinned: true}]\n");
  CHECK(run(tree, {"check"}).out == "the configuration of this node, no mistakes\n");
  CHECK(run(tree, {"check"}).code == 0);
  // A fragment by itself is right, and wrong beside the others.
  tree.file("/etc/fettle/conf.d/10-site.yaml", "schema: 1\nkind: configuration\nshelves: [small]\n");
  CHECK(run(tree, {"check", "/etc/fettle/conf.d/10-site.yaml"}).code == 0);
  const Answer both = run(tree, {"check"});
  CHECK(both.code == 78);
  CHECK(both.out ==
        "/etc/fettle/conf.d/10-site.yaml:3:11  the shelf 'small' stands here a second time  first in "
        "/etc/fettle/fettle.yaml:4: keep one of them\n");
}

TEST_CASE("cli profile: show --origin says which file set each value") {
  Tree tree;
  test::install_tables(tree);
  tree.file("/etc/fettle/fettle.yaml", good);
  tree.file("/etc/fettle/profiles/node.yaml", "schema: 1\nkind: profile\ncache: {path: /data}\n");
  tree.file("/etc/fettle/conf.d/10-site.yaml",
            "schema: 1\nkind: configuration\nprice: {per_hour: \"9\", currency: EUR}\n");
  const Answer text = run(tree, {"show", "--origin"});
  CHECK(text.code == 0);
  CHECK(text.out ==
        "profile node  /etc/fettle/fettle.yaml:3:1\n"
        "price         /etc/fettle/conf.d/10-site.yaml:3:1\n"
        "cache         /etc/fettle/profiles/node.yaml:3:1\n");
  const auto answer = parse_json(run(tree, {"show", "--origin"}, cli::Format::json).out, "the answer");
  REQUIRE(answer);
  CHECK(json_text(answer->at("origins").at(1), "file") == "/etc/fettle/conf.d/10-site.yaml");
  CHECK(answer->at("origins").at(1).at("line") == 3);
  tree.file("/etc/fettle/conf.d/10-site.yaml", "a: [");
  CHECK(run(tree, {"show", "--origin"}).code == 78);
}

TEST_CASE("cli profile: a wrong command line is a usage error") {
  Tree tree;
  CHECK(run(tree, {}).code == 64);
  CHECK(run(tree, {"check", "--force"}).code == 64);
  CHECK(run(tree, {"erase"}).code == 64);
  const Answer help = run(tree, {"--help"});
  CHECK(help.code == 0);
  CHECK(help.out.find("check") != std::string::npos);
}
