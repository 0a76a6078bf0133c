#include "profile/load.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <chrono>
#include <string>

#include "support/tables.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::profile;
using fettle::test::install_tables;
using fettle::test::Tree;

namespace {

const std::string wanted = "schema: 1\nkind: configuration\nprofile: node\n";
const std::string profile_head = "schema: 1\nkind: profile\n";

std::string said(const Complaints& complaints) {
  std::string all;
  for (const Complaint& each : complaints) all += (all.empty() ? "" : "\n") + to_text(each);
  return all;
}

std::string shelf(const std::string& fields = {}) {
  return "schema: 1\nkind: shelf\n" + fields + "repositories: [{id: a/b, revision: main, unpinned: true}]\n";
}

}  // namespace

TEST_CASE("profile: a file of the site stands in place of the package's") {
  Tree tree;
  install_tables(tree);
  tree.file("/etc/fettle/fettle.yaml", wanted + "shelves: [small, large]\n");
  tree.file("/usr/share/fettle/profiles/node.yaml", profile_head + "why: shipped\n");
  tree.file("/usr/share/fettle/profiles/shelves/small.yaml", shelf());
  tree.file("/usr/share/fettle/profiles/shelves/large.yaml", shelf("priority: 1\n"));
  Loaded loaded = load(tree.files());
  REQUIRE_MESSAGE(loaded.profile, said(loaded.complaints));
  CHECK(loaded.profile->name == "node");
  CHECK(loaded.profile->why == "shipped");
  REQUIRE(loaded.profile->shelves.size() == 2);
  CHECK(loaded.profile->shelves[0].name == "large");  // by priority
  CHECK(loaded.profile->shelves[1].name == "small");

  tree.file("/etc/fettle/profiles/node.yaml", profile_head + "why: ours\n");
  tree.file("/etc/fettle/profiles/shelves/small.yaml", shelf("why: ours\npriority: 2\n"));
  loaded = load(tree.files());
  REQUIRE_MESSAGE(loaded.profile, said(loaded.complaints));
  CHECK(loaded.profile->file == "/etc/fettle/profiles/node.yaml");
  CHECK(loaded.profile->why == "ours");
  CHECK(loaded.profile->shelves[0].why == "ours");

  const auto found = list(tree.files());
  REQUIRE(found.size() == 3);
  CHECK(found[0].file == "/etc/fettle/profiles/node.yaml");
  CHECK(found[1].file == "/etc/fettle/profiles/shelves/small.yaml");
  CHECK(found[1].why == "ours");
  CHECK(found[2].name == "large");
}

TEST_CASE("profile: the list shows files with mistakes, and those that no configuration can name") {
  Tree tree;
  tree.file("/etc/fettle/profiles/Big.yaml", profile_head).file("/etc/fettle/profiles/bad.yaml", "a: [");
  tree.file("/etc/fettle/profiles/README", "no profile").file("/etc/fettle/profiles/shelves", "no directory");
  install_tables(tree);
  const auto found = list(tree.files());
  REQUIRE(found.size() == 3);  // the tables are no profiles
  CHECK(said(found[0].complaints) ==
        "/etc/fettle/profiles/Big.yaml  a configuration cannot name 'Big'  a name of a-z, 0-9, '.', '_' and "
        "'-', at "
        "most 64, beginning with a letter or digit");
  CHECK(found[1].name == "bad");
  CHECK(found[1].complaints.size() == 1);
  CHECK(said(found[2].complaints) ==
        "/etc/fettle/profiles/shelves  cannot list '/etc/fettle/profiles/shelves': Not a directory");
}

TEST_CASE("profile: the configuration's cache stands in place of the profile's") {
  Tree tree;
  install_tables(tree);
  tree.file("/usr/share/fettle/profiles/node.yaml",
            profile_head +
                "cache: {drives: {models: [a], count: 8}, reserve: 1 GiB}\n"
                "environment: [{name: A, value: \"{cache}/a:{cache}\", why: b}]\n");
  tree.file("/etc/fettle/fettle.yaml", wanted);
  Loaded loaded = load(tree.files());
  REQUIRE_MESSAGE(loaded.profile, said(loaded.complaints));
  CHECK(loaded.profile->cache->path == "/srv/fettle");
  CHECK(loaded.profile->cache->drives->count == 8);
  CHECK(loaded.profile->cache->wait_seconds == 60);
  CHECK(loaded.profile->environment[0].value == "/srv/fettle/a:/srv/fettle");

  tree.file("/etc/fettle/fettle.yaml", wanted + "cache: {path: /data/cache}\n");
  loaded = load(tree.files());
  REQUIRE_MESSAGE(loaded.profile, said(loaded.complaints));
  CHECK_FALSE(loaded.profile->cache->drives);
  CHECK(loaded.profile->environment[0].value == "/data/cache/a:/data/cache");
}

TEST_CASE("profile: a name without a file is complained about where it is written") {
  Tree tree;
  install_tables(tree);
  tree.file("/etc/fettle/fettle.yaml", wanted + "shelves: [small]\n");
  const Loaded loaded = load(tree.files());
  CHECK_FALSE(loaded.profile);
  CHECK(
      said(loaded.complaints) ==
      "/etc/fettle/fettle.yaml:3:10  there is no profile 'node'  neither /etc/fettle/profiles/node.yaml nor "
      "/usr/share/fettle/profiles/node.yaml exists; `fettle profile list` shows those that do\n"
      "/etc/fettle/fettle.yaml:4:11  there is no shelf 'small'  neither "
      "/etc/fettle/profiles/shelves/small.yaml "
      "nor /usr/share/fettle/profiles/shelves/small.yaml exists; `fettle profile list` shows those that do");
}

TEST_CASE("profile: the mistakes of all files come at once") {
  Tree tree;
  install_tables(tree);
  tree.file("/etc/fettle/fettle.yaml", wanted + "shelves: [small, gpus]\nextra: 1\n");
  tree.file("/etc/fettle/profiles/node.yaml", profile_head + "gpus: {model: MI9, count: 8}\nwhy: [a]\n");
  tree.file("/etc/fettle/profiles/shelves/small.yaml", shelf("priority: high\n"));
  tree.file("/etc/fettle/profiles/shelves/gpus.yaml", profile_head);
  tree.remove("/usr/share/fettle/profiles/compat/rocm.yaml");
  const Loaded loaded = load(tree.files());
  CHECK_FALSE(loaded.profile);
  CHECK(
      said(loaded.complaints) ==
      "/etc/fettle/fettle.yaml:5:1  unknown key 'extra'  known here: schema, kind, profile, shelves, images, "
      "cache, "
      "price, engines, consumers, places\n"
      "/etc/fettle/profiles/node.yaml:4:6  'why' must be a text, not a list\n"
      "/etc/fettle/profiles/shelves/small.yaml:3:11  'priority' cannot be high  a decimal number from -1000 "
      "to "
      "1000, digits only\n"
      "/etc/fettle/profiles/shelves/gpus.yaml:2:7  the kind of this file is 'profile'  here 'shelf' is "
      "wanted\n"
      "/usr/share/fettle/profiles/compat/rocm.yaml  cannot read "
      "'/usr/share/fettle/profiles/compat/rocm.yaml': No "
      "such file or directory  it is part of the package: reinstall it\n"
      "/etc/fettle/profiles/node.yaml:3:15  no GPU is of the model 'MI9'  known are: MI300X");
}

TEST_CASE("profile: a missing configuration is an accident, not an empty wish") {
  Tree tree;
  install_tables(tree);
  const Loaded loaded = load(tree.files());
  CHECK_FALSE(loaded.profile);
  CHECK(said(loaded.complaints) ==
        "/etc/fettle/fettle.yaml  cannot read '/etc/fettle/fettle.yaml': No such file or directory  the "
        "package puts "
        "one there; without it nothing is wanted or done");
}

TEST_CASE("profile: a file that everybody may write decides nothing (F54)") {
  Tree tree;
  install_tables(tree);
  tree.file("/etc/fettle/fettle.yaml", wanted);
  tree.file("/etc/fettle/profiles/node.yaml", profile_head);
  REQUIRE(::chmod((tree.root() + "/etc/fettle/profiles/node.yaml").c_str(), 0666) == 0);
  CHECK(said(load(tree.files()).complaints) ==
        "/etc/fettle/profiles/node.yaml  everybody on this machine may write to it  chmod o-w "
        "/etc/fettle/profiles/node.yaml");
  REQUIRE(::chmod((tree.root() + "/etc/fettle/profiles/node.yaml").c_str(), 0644) == 0);
  CHECK(load(tree.files()).profile);
}

TEST_CASE("profile: what is no file is named, and nothing waits for it (F54)") {
  Tree tree;
  install_tables(tree);
  tree.directory("/directory.yaml").file("/secret.yaml", wanted).link("/loop.yaml", "/loop.yaml");
  REQUIRE(::mkfifo((tree.root() + "/fifo.yaml").c_str(), 0644) == 0);
  CHECK(said(check(tree.files(), "/directory.yaml")) ==
        "/directory.yaml  cannot read '/directory.yaml': it is not a regular file");
  CHECK(said(check(tree.files(), "/fifo.yaml")) ==
        "/fifo.yaml  cannot read '/fifo.yaml': it is not a regular file");
  CHECK(said(check(tree.files(), "/none.yaml")) ==
        "/none.yaml  cannot read '/none.yaml': No such file or directory");
  CHECK(said(check(tree.files(), "/loop.yaml")) ==
        "/loop.yaml  cannot read '/loop.yaml': Too many levels of symbolic links");
  REQUIRE(::chmod((tree.root() + "/secret.yaml").c_str(), 0) == 0);
  if (!tree.files().read("/secret.yaml")) {  // root may read it all the same
    CHECK(said(check(tree.files(), "/secret.yaml")) ==
          "/secret.yaml  cannot read '/secret.yaml': Permission denied");
  }
  // A profile that cannot be read is no reason to take the package's of the same name.
  tree.file("/etc/fettle/fettle.yaml", wanted).directory("/etc/fettle/profiles/node.yaml");
  tree.file("/usr/share/fettle/profiles/node.yaml", profile_head);
  CHECK(said(load(tree.files()).complaints) ==
        "/etc/fettle/profiles/node.yaml  cannot read '/etc/fettle/profiles/node.yaml': it is not a regular "
        "file");
}

TEST_CASE("profile: hostile files are refused at once and in little memory (F52)") {
  std::string bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n";
  for (char name = 'b'; name <= 'z'; ++name) {
    bomb += std::string(1, name) + ": &" + name + " [";
    for (int nth = 0; nth < 9; ++nth)
      bomb += std::string(nth == 0 ? "*" : ",*") + static_cast<char>(name - 1);
    bomb += "]\n";
  }
  std::string many = "a: [";
  for (int nth = 0; nth < 120'000; ++nth) many += "a,";
  std::string blocks;
  for (int nth = 0; nth < 100'000; ++nth) blocks += "- ";
  std::string unknown = wanted;
  for (int nth = 0; nth < 20'000; ++nth) unknown += "k" + std::to_string(nth) + ": 1\n";

  struct Row {
    std::string name;
    std::string text;
    std::string complaint;  // its end; the column of a limit is up to the library
  };
  const Row rows[] = {
      {"10 MB", "a: " + std::string(10'000'000, 'x'),
       "/it.yaml  cannot read '/it.yaml': it is larger than 256.0 KiB"},
      {"100,000 deep", "a: " + std::string(100'000, '['), "  it is nested too deeply  at most 32 levels"},
      {"100,000 deep in blocks", blocks, "  it is nested too deeply  at most 32 levels"},
      {"an alias bomb", bomb,
       "/it.yaml:1:4  an anchor (&) is not allowed here  write values out where they are needed"},
      {"an anchor that holds itself", "a: &a [*a]\n",
       "/it.yaml:1:4  an anchor (&) is not allowed here  write values out where they are needed"},
      {"120,000 values", many + "]\n", "  there are more than 100000 values  a smaller file"},
      {"20,000 mistakes", unknown,
       "/it.yaml:4:1  unknown key 'k0'  known here: schema, kind, profile, shelves, images, cache, price, "
       "engines, "
       "consumers, "
       "places"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Tree tree;
    tree.file("/it.yaml", row.text);
    const auto start = std::chrono::steady_clock::now();
    const Complaints complaints = check(tree.files(), "/it.yaml");
    const auto took = std::chrono::steady_clock::now() - start;
    REQUIRE_FALSE(complaints.empty());
    CHECK((said(complaints) + "\n").find(row.complaint + "\n") != std::string::npos);
    CHECK(complaints.size() <= 1001);
    // Sanitizers and a busy machine are slow; a walk through a bomb would take hours.
    CHECK(took < std::chrono::seconds(10));
  }
}

TEST_CASE("profile: who judges no versions is not stopped by a mistake in the compatibility table") {
  Tree tree;
  install_tables(tree);
  tree.file("/etc/fettle/fettle.yaml", wanted)
      .file("/usr/share/fettle/profiles/compat/rocm.yaml", "kind: [\n");
  tree.file("/etc/fettle/profiles/node.yaml", profile_head + "name: node\n");
  CHECK_FALSE(load(tree.files()).profile);
  const Loaded loaded = load(tree.files(), Tables::without_versions);
  REQUIRE_MESSAGE(loaded.profile, said(loaded.complaints));
  CHECK(loaded.profile->compat.releases.empty());
}

TEST_CASE("profile: engines are asked on the node's own loopback and nowhere else") {
  const auto complaints_of = [](const std::string& engines) {
    Tree tree;
    install_tables(tree);
    tree.file("/etc/fettle/profiles/node.yaml", profile_head + "name: node\n");
    tree.file("/etc/fettle/fettle.yaml", wanted + "engines:\n" + engines);
    const auto loaded = load(tree.files());
    return loaded.complaints.empty() ? std::string() : to_text(loaded.complaints.front());
  };
  for (const std::string good : {"http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:65535"})
    CHECK(complaints_of("  - {name: a, url: '" + good + "'}\n").empty());
  for (const std::string bad :
       {"http://10.0.0.1:80", "https://127.0.0.1:80", "http://127.0.0.1", "http://127.0.0.1:0",
        "http://127.0.0.1:65536", "http://127.0.0.1:80/x", "http://127.0.0.1.example:80"}) {
    CAPTURE(bad);
    CHECK(complaints_of("  - {name: a, url: '" + bad + "'}\n").find("and a port") != std::string::npos);
  }
  CHECK(complaints_of("  - {name: a, url: 'http://[::1]:1', first_token: true}\n").find("needs a 'model'") !=
        std::string::npos);
  CHECK(complaints_of("  - {name: a, url: 'http://[::1]:1'}\n  - {name: a, url: 'http://[::1]:2'}\n")
            .find("the engine") != std::string::npos);
}

TEST_CASE("profile: a deep check names its program by path, and a figure with its floor") {
  const auto complaint_of = [](const std::string& check) {
    Tree tree;
    install_tables(tree);
    tree.file("/etc/fettle/profiles/node.yaml",
              profile_head + "name: node\ndeep:\n  - {name: a, why: w, " + check + "}\n");
    tree.file("/etc/fettle/fettle.yaml", wanted);
    const auto loaded = load(tree.files());
    return loaded.complaints.empty() ? std::string() : to_text(loaded.complaints.front());
  };
  CHECK(complaint_of("command: [/usr/bin/true]").empty());
  CHECK(complaint_of("command: [/usr/bin/true, -x], figure: 'bus', at_least: '47.5', codes: plugin").empty());
  for (const std::string bad :
       {"command: [true]", "command: []", "command: /usr/bin/true", "command: [/usr/bin/true], figure: x",
        "command: [/usr/bin/true], figure: '(', at_least: '1'", "command: [/usr/bin/true], codes: none",
        "command: [/usr/bin/true], at_least: '1'", "command: [/usr/bin/true], deadline_seconds: 0"}) {
    CAPTURE(bad);
    CHECK_FALSE(complaint_of(bad).empty());
  }
}

TEST_CASE("profile: a price is counted in thousandths, not rounded") {
  const auto price_of = [](const std::string& amount) {
    Tree tree;
    install_tables(tree);
    tree.file("/etc/fettle/profiles/node.yaml", profile_head + "name: node\n");
    tree.file("/etc/fettle/fettle.yaml", wanted + "price: {per_hour: \"" + amount + "\", currency: USD}\n");
    const Loaded loaded = load(tree.files());
    return loaded.profile && loaded.profile->price ? loaded.profile->price->thousandths_per_hour : -1;
  };
  CHECK(price_of("31") == 31000);
  CHECK(price_of("31.2") == 31200);
  CHECK(price_of("0.005") == 5);
  CHECK(price_of("999999999.999") == 999'999'999'999);
  for (const char* const wrong : {"", "-1", "1.", ".5", "1.2345", "1e3", "1,5", "1234567890", "0x10"}) {
    CAPTURE(wrong);
    CHECK(price_of(wrong) == -1);
  }
}
