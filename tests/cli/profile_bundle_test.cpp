#include <doctest/doctest.h>
#include <sys/stat.h>

#include <sstream>

#include "base/json.h"
#include "cli/commands.h"
#include "profile/bundle_proof.h"
#include "profile/load.h"
#include "shelf/lock_file.h"
#include "shelf/manifest.h"
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

Answer run(const Tree& tree, const std::vector<std::string>& arguments) {
  test::FakeRunner runner;
  test::FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  cli::Context context{{tree.files(), runner, clock}, cli::Format::text, out, err};
  const int code = cli::run_profile(context, arguments);
  return {code, out.str(), err.str()};
}

const std::string bundles = "/etc/fettle/profiles/bundles";
const std::string head = "schema: 1\nkind: profile\n";
const std::string shelf_text =
    "schema: 1\nkind: shelf\nrepositories: [{id: a/b, revision: main, unpinned: true}]\n";

// A node whose configuration wants a profile of the package.
void install_node(Tree& tree) {
  test::install_tables(tree);
  tree.file("/usr/share/fettle/profiles/node.yaml", head + "why: of the package\n");
  tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: node\n");
}

// Makes a bundle of one profile and one shelf, and gives the words that install it.
std::vector<std::string> make(Tree& tree, const std::string& version, const std::string& why,
                              const std::string& name = "site") {
  tree.file("/src/node.yaml", head + "why: " + why + "\n").file("/src/shelves/tiny.yaml", shelf_text);
  const std::string path = "/" + name + "-" + version + ".tar.zst";
  const Answer made = run(tree, {"bundle", "/src", "--name", name, "--version", version, "-o", path});
  REQUIRE_MESSAGE(made.code == 0, made.err);
  const std::string hash = profile::sha256_of(tree.read(path));
  REQUIRE(made.out.find("fettle profile install " + path + " --sha256 " + hash) != std::string::npos);
  return {"install", path, "--sha256", hash};
}

std::string why_of(const Tree& tree) {
  const auto loaded = profile::load(tree.files());
  return loaded.profile ? loaded.profile->why : "it does not load";
}

}  // namespace

TEST_CASE("cli profile bundle: installed it stands before the package's files and behind the site's own") {
  Tree tree;
  install_node(tree);
  const auto words = make(tree, "1", "of the bundle");
  CHECK(why_of(tree) == "of the package");
  auto dry = words;
  dry.emplace_back("--dry-run");
  CHECK(run(tree, dry).out == "bundle site 1, 2 files: would be installed\n");
  CHECK_FALSE(*tree.files().exists(bundles));
  const Answer installed = run(tree, words);
  CHECK(installed.code == 0);
  CHECK(installed.out == "bundle site 1, 2 files: installed; `systemctl reload fettled` takes it up\n");
  CHECK(why_of(tree) == "of the bundle");
  CHECK(run(tree, words).out == "bundle site 1, 2 files: installed already\n");
  const std::string listed = run(tree, {"list"}).out;
  CHECK(listed.find("bundle site   1\n") != std::string::npos);
  CHECK(listed.find("shelf tiny") != std::string::npos);
  tree.file("/etc/fettle/profiles/node.yaml", head + "why: of the site\n");
  CHECK(why_of(tree) == "of the site");
}

TEST_CASE("cli profile bundle: the version before is kept to go back to, older ones go") {
  Tree tree;
  install_node(tree);
  CHECK(run(tree, make(tree, "1", "one")).code == 0);
  CHECK(run(tree, {"restore", "site"}).code == cli::failed);
  CHECK(run(tree, make(tree, "2", "two")).code == 0);
  CHECK(run(tree, make(tree, "3", "three")).code == 0);
  CHECK(why_of(tree) == "three");
  CHECK(tree.files().list(bundles + "/.store")->size() == 2);
  CHECK(run(tree, {"list"}).out.find("3; 2 is kept to go back to") != std::string::npos);
  const Answer back = run(tree, {"restore", "site"});
  CHECK(back.code == 0);
  CHECK(back.out.find("bundle site is 2 again, 3 is kept") == 0);
  CHECK(why_of(tree) == "two");
  CHECK(run(tree, {"restore", "site"}).code == 0);
  CHECK(why_of(tree) == "three");
  CHECK(run(tree, {"remove", "site"}).out == "bundle site is removed\n");
  CHECK(why_of(tree) == "of the package");
  CHECK(tree.files().list(bundles + "/.store")->empty());
  CHECK(run(tree, {"remove", "site"}).code == cli::failed);
  CHECK(run(tree, {"remove", ".store"}).code == cli::usage);
}

TEST_CASE("cli profile bundle: without a proof, or with a wrong one, nothing is installed (F58)") {
  Tree tree;
  install_node(tree);
  auto words = make(tree, "1", "one");
  CHECK(run(tree, {"install", words[1]}).code == cli::usage);
  CHECK(run(tree, {"install", words[1], "--signature", "/s"}).code == cli::usage);
  words[3][0] = words[3][0] == '0' ? '1' : '0';
  const Answer wrong = run(tree, words);
  CHECK(wrong.code == cli::failed);
  CHECK(wrong.err.find("cannot trust the bundle: its SHA-256 is ") != std::string::npos);
  tree.file("/s", std::string(64, 's')).file("/k", "no key");
  CHECK(run(tree, {"install", words[1], "--signature", "/s", "--key", "/k"})
            .err.find("no public Ed25519 key") != std::string::npos);
  CHECK_FALSE(*tree.files().exists(bundles));
  CHECK(why_of(tree) == "of the package");
}

TEST_CASE("cli profile bundle: a node that is well configured stays so (F53)") {
  Tree tree;
  install_node(tree);
  CHECK(run(tree, make(tree, "1", "one")).code == 0);
  // A file with a mistake is not even packed.
  tree.file("/src/other.yaml", "schema: 1\nkind: profile\nwy: a\n");
  CHECK(run(tree, {"bundle", "/src", "--name", "site", "--version", "2", "-o", "/x.tar.zst"}).code ==
        cli::bad_config);
  tree.remove("/src/other.yaml");
  // Right by itself, wrong here: the profile that is wanted extends one that is not there.
  const Answer refused = run(tree, make(tree, "2", "two\nextends: nobody"));
  CHECK(refused.code == cli::bad_config);
  CHECK(refused.err.find("there is no profile 'nobody' to extend") != std::string::npos);
  CHECK(refused.err.find("nothing was changed") != std::string::npos);
  CHECK(why_of(tree) == "one");
  CHECK(tree.files().list(bundles + "/.store")->size() == 1);
  // Where there were mistakes already, it is installed, and they are told.
  tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: node\nshelves: [absent]\n");
  const Answer left = run(tree, make(tree, "3", "three"));
  CHECK(left.code == 0);
  CHECK(left.out.find("still has 1 mistake: `fettle profile check`") != std::string::npos);
}

TEST_CASE(
    "cli profile bundle: a lock that staging could not read is a mistake before it is installed (F58)") {
  Tree tree;
  install_node(tree);
  tree.file("/src/shelves/tiny.lock", "{");
  tree.file("/src/node.yaml", head);
  const Answer made = run(tree, {"bundle", "/src", "--name", "site", "--version", "1", "-o", "/x.tar.zst"});
  CHECK(made.code == cli::bad_config);
  CHECK(made.err.find("shelves/tiny.lock") == 0);
}

TEST_CASE("cli profile bundle: staging takes a lock from a bundle, and the site's own before it") {
  Tree tree;
  install_node(tree);
  shelf::Manifest manifest{
      "a/b", std::string(40, '1'), "main", {{"config.json", Bytes{1}, std::string(40, 'a')}}};
  tree.file("/src/shelves/tiny.lock", shelf::to_json({manifest}));
  CHECK(run(tree, make(tree, "1", "one")).code == 0);
  auto locked = shelf::read_lock(tree.files(), "tiny");
  REQUIRE(locked);
  REQUIRE(*locked);
  CHECK((*locked)->front().revision == manifest.revision);
  manifest.revision = std::string(40, '2');
  tree.file("/etc/fettle/profiles/shelves/tiny.lock", shelf::to_json({manifest}));
  locked = shelf::read_lock(tree.files(), "tiny");
  REQUIRE(locked);
  REQUIRE(*locked);
  CHECK((*locked)->front().revision == manifest.revision);
}

TEST_CASE("cli profile bundle: a file comes from one bundle only") {
  Tree tree;
  install_node(tree);
  CHECK(run(tree, make(tree, "1", "one")).code == 0);
  const Answer other = run(tree, make(tree, "1", "one", "rack"));
  CHECK(other.code == cli::failed);
  CHECK(other.err.find("the bundle 'site' has 'node.yaml' too") != std::string::npos);
  CHECK_FALSE(*tree.files().exists(bundles + "/rack"));
}

TEST_CASE("cli profile bundle: bundles that cannot be listed are a mistake, not none (F54)") {
  Tree tree;
  install_node(tree);
  tree.file(bundles, "no directory");
  const auto loaded = profile::load(tree.files());
  CHECK_FALSE(loaded.profile);
  REQUIRE(loaded.complaints.size() == 1);
  CHECK(loaded.complaints.front().what.find("cannot list '" + bundles + "'") == 0);
}
