#include <doctest/doctest.h>
#include <sys/stat.h>

#include "profile/arrangement.h"
#include "profile/load.h"
#include "support/tables.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::profile;
using fettle::test::Tree;

namespace {

const std::string head = "schema: 1\nkind: configuration\n";

std::string said(const Complaints& complaints) {
  std::string all;
  for (const Complaint& each : complaints) all += (all.empty() ? "" : "\n") + to_text(each);
  return all;
}

// A machine with two profiles, two shelves and a configuration that wants one of each.
void install(Tree& tree) {
  test::install_tables(tree);
  const std::string shelf =
      "schema: 1\nkind: shelf\nrepositories: [{id: a/b, revision: main, unpinned: true}]\n";
  tree.file("/usr/share/fettle/profiles/shelves/small.yaml", shelf)
      .file("/usr/share/fettle/profiles/shelves/large.yaml", shelf)
      .file("/usr/share/fettle/profiles/base.yaml",
            "schema: 1\nkind: profile\ncache: {drives: {models: [a], count: 8}}\n"
            "host: {memory: 1 TiB, swap: none}\ncaches: [{name: docker, why: images}]\n")
      .file("/usr/share/fettle/profiles/node.yaml",
            "schema: 1\nkind: profile\nextends: base\nhost: {memory: 2 TiB}\n")
      .file("/usr/share/fettle/profiles/other.yaml", "schema: 1\nkind: profile\n")
      .file("/etc/fettle/fettle.yaml", head +
                                           "profile: node\nshelves: [small]\nconsumers: [docker]\n"
                                           "price: {per_hour: \"31.2\", currency: USD}\n");
}

}  // namespace

TEST_CASE("profile fragments: the last file wins what is said once, lists add up in the order of the names") {
  Tree tree;
  install(tree);
  tree.file("/etc/fettle/conf.d/20-site.yaml", head +
                                                   "shelves: [large]\nconsumers: [kubelet]\n"
                                                   "price: {per_hour: \"9\", currency: EUR}\n");
  tree.file("/etc/fettle/conf.d/10-price.yaml", head + "price: {per_hour: \"1\", currency: GBP}\n");
  tree.file("/etc/fettle/conf.d/90-node.yaml",
            head + "profile: other\nplaces: [{path: /var/lib/docker, cache: docker}]\n");
  const Loaded loaded = load(tree.files());
  REQUIRE_MESSAGE(loaded.profile, said(loaded.complaints));
  CHECK(loaded.profile->name == "other");
  CHECK(loaded.profile->price->currency == "EUR");
  CHECK(loaded.profile->price->thousandths_per_hour == 9000);
  REQUIRE(loaded.profile->shelves.size() == 2);
  CHECK(loaded.profile->shelves[0].name == "small");
  CHECK(loaded.profile->shelves[1].name == "large");
  const auto arranged = load_arrangement(tree.files());
  REQUIRE_MESSAGE(arranged.arrangement, said(arranged.complaints));
  CHECK(arranged.arrangement->consumers == std::vector{Consumer::docker, Consumer::kubelet});
  REQUIRE(arranged.arrangement->places.size() == 1);
  CHECK(arranged.arrangement->places[0].path == "/var/lib/docker");
}

TEST_CASE("profile fragments: a name that comes again in another file is a mistake that names both") {
  Tree tree;
  install(tree);
  tree.file("/etc/fettle/conf.d/10-a.yaml",
            head + "shelves: [large, small]\nplaces: [{path: /var/lib/docker, cache: docker}]\n");
  tree.file("/etc/fettle/conf.d/20-b.yaml",
            head + "consumers: [kubelet, docker]\nplaces:\n- {path: /var/lib/docker, cache: hf}\n");
  CHECK(said(load(tree.files()).complaints) ==
        "/etc/fettle/conf.d/10-a.yaml:3:18  the shelf 'small' stands here a second time  first in "
        "/etc/fettle/fettle.yaml:4: keep one of them\n"
        "/etc/fettle/conf.d/20-b.yaml:3:22  the consumer 'docker' stands here a second time  first in "
        "/etc/fettle/fettle.yaml:5: keep one of them\n"
        "/etc/fettle/conf.d/20-b.yaml:5:3  the place '/var/lib/docker' stands here a second time  first in "
        "/etc/fettle/conf.d/10-a.yaml:4: keep one of them");
}

TEST_CASE("profile fragments: every mistake has the place of the file in which it is") {
  Tree tree;
  install(tree);
  tree.file("/etc/fettle/conf.d/10-a.yaml", head + "profil: other\nshelves: [none]\n");
  tree.file("/etc/fettle/conf.d/20-b.yaml", head + "profile: nobody\n");
  tree.file("/etc/fettle/conf.d/30-c.yaml", "schema: 1\nkind: profile\n");
  tree.file("/etc/fettle/conf.d/40-d.yaml", "a: [");
  const std::string all = said(load(tree.files()).complaints);
  CAPTURE(all);
  CHECK(all.find("/etc/fettle/conf.d/10-a.yaml:3:1  unknown key 'profil'") == 0);
  CHECK(all.find("/etc/fettle/conf.d/10-a.yaml:4:11  there is no shelf 'none'") != std::string::npos);
  CHECK(all.find("/etc/fettle/conf.d/20-b.yaml:3:10  there is no profile 'nobody'") != std::string::npos);
  CHECK(all.find("/etc/fettle/conf.d/30-c.yaml:2:7  the kind of this file is 'profile'  here 'configuration' "
                 "is wanted") != std::string::npos);
  CHECK(all.find("/etc/fettle/conf.d/40-d.yaml:1") != std::string::npos);
}

TEST_CASE("profile fragments: one that cannot be read or trusted is never ignored (F54)") {
  Tree tree;
  install(tree);
  CHECK(load(tree.files()).profile);  // without the directory
  tree.directory("/etc/fettle/conf.d");
  CHECK(load(tree.files()).profile);
  tree.file("/etc/fettle/conf.d/README", "no YAML").file("/etc/fettle/conf.d/.10-a.yaml.swp", "x");
  tree.file("/etc/fettle/conf.d/10-a.yaml.dpkg-old", "x");
  CHECK(load(tree.files()).profile);

  tree.link("/etc/fettle/conf.d/10-a.yaml", "/nowhere.yaml");
  CHECK(
      said(load(tree.files()).complaints) ==
      "/etc/fettle/conf.d/10-a.yaml  cannot read '/etc/fettle/conf.d/10-a.yaml': No such file or directory");
  tree.remove("/etc/fettle/conf.d/10-a.yaml").directory("/etc/fettle/conf.d/10-a.yaml");
  CHECK(said(load(tree.files()).complaints) ==
        "/etc/fettle/conf.d/10-a.yaml  cannot read '/etc/fettle/conf.d/10-a.yaml': it is not a regular file");
  tree.remove("/etc/fettle/conf.d/10-a.yaml").file("/etc/fettle/conf.d/10-a.yml", head);
  CHECK(said(load(tree.files()).complaints) ==
        "/etc/fettle/conf.d  '10-a.yml' is not read  a name that ends in .yaml");
  tree.remove("/etc/fettle/conf.d/10-a.yml")
      .file("/etc/fettle/conf.d/10-a.yaml", head + "shelves: [large]\n");
  REQUIRE(::chmod((tree.root() + "/etc/fettle/conf.d").c_str(), 0777) == 0);
  CHECK(said(load(tree.files()).complaints) ==
        "/etc/fettle/conf.d  everybody on this machine may write to it  chmod o-w /etc/fettle/conf.d");
  REQUIRE(::chmod((tree.root() + "/etc/fettle/conf.d").c_str(), 0755) == 0);
  REQUIRE(::chmod((tree.root() + "/etc/fettle/conf.d/10-a.yaml").c_str(), 0666) == 0);
  CHECK(load(tree.files()).complaints.size() == 1);
  tree.remove("/etc/fettle/conf.d").file("/etc/fettle/conf.d", "no directory");
  CHECK(said(load(tree.files()).complaints) ==
        "/etc/fettle/conf.d  cannot list '/etc/fettle/conf.d': Not a directory");
}

TEST_CASE("profile fragments: they do not stand in for fettle.yaml, and another configuration has its own") {
  Tree tree;
  install(tree);
  tree.file("/etc/fettle/conf.d/10-a.yaml", head + "profile: other\n");
  tree.file("/lab/node.yaml", head + "profile: node\n");
  tree.file("/lab/conf.d/10-a.yaml", head + "shelves: [large]\n");
  const Loaded lab = load(tree.files(), Tables::all, "/lab/node.yaml");
  REQUIRE_MESSAGE(lab.profile, said(lab.complaints));
  CHECK(lab.profile->name == "node");
  CHECK(lab.profile->shelves.size() == 1);
  tree.remove("/etc/fettle/fettle.yaml");
  CHECK(load(tree.files()).complaints.size() == 1);
  tree.file("/etc/fettle/fettle.yaml", head);
  CHECK(said(load(tree.files()).complaints) ==
        "/etc/fettle/fettle.yaml:1:1  the key 'profile' is missing here");
  CHECK(check(tree.files(), "/etc/fettle/conf.d/10-a.yaml").empty());
}

TEST_CASE("profile fragments: each value knows the file that set it") {
  Tree tree;
  install(tree);
  tree.file("/etc/fettle/conf.d/20-site.yaml",
            head + "shelves: [large]\nprice: {per_hour: \"9\", currency: EUR}\n");
  const Loaded loaded = load(tree.files());
  REQUIRE_MESSAGE(loaded.profile, said(loaded.complaints));
  std::string rows;
  for (const Origin& each : loaded.origins) {
    rows += each.key + "=" + each.value + " " + each.file + ":" + std::to_string(each.line) + ":" +
            std::to_string(each.column) + "\n";
  }
  CHECK(rows ==
        "profile=node /etc/fettle/fettle.yaml:3:1\n"
        "shelves=small /etc/fettle/fettle.yaml:4:11\n"
        "consumers=docker /etc/fettle/fettle.yaml:5:13\n"
        "price= /etc/fettle/conf.d/20-site.yaml:4:1\n"
        "shelves=large /etc/fettle/conf.d/20-site.yaml:3:11\n"
        "host.memory= /usr/share/fettle/profiles/node.yaml:4:8\n"
        "cache= /usr/share/fettle/profiles/base.yaml:3:1\n"
        "host.swap= /usr/share/fettle/profiles/base.yaml:4:23\n"
        "caches= /usr/share/fettle/profiles/base.yaml:5:1\n");
}
