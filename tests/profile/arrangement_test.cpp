#include "profile/arrangement.h"

#include <doctest/doctest.h>

#include "profile/load.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::profile;
using fettle::test::Tree;

namespace {

LoadedArrangement loaded_from(const std::string& keys) {
  Tree tree;
  tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: node\n" + keys);
  return load_arrangement(tree.files());
}

}  // namespace

TEST_CASE("configuration: the consumers of the cache, none when it does not say") {
  CHECK(loaded_from("").arrangement->consumers.empty());
  const auto loaded = loaded_from("consumers: [docker, podman, kubelet, containerd]\n");
  REQUIRE(loaded.arrangement);
  CHECK(loaded.arrangement->consumers ==
        std::vector<Consumer>{Consumer::docker, Consumer::podman, Consumer::kubelet, Consumer::containerd});
  CHECK(to_text(Consumer::kubelet) == "kubelet");
}

TEST_CASE("configuration: mistakes in consumers have their place") {
  const auto unknown = loaded_from("consumers: [docker, dockerd]\n");
  CHECK_FALSE(unknown.arrangement);
  REQUIRE(unknown.complaints.size() == 1);
  CHECK(to_text(unknown.complaints[0]) ==
        "/etc/fettle/fettle.yaml:4:21  an entry of 'consumers' cannot be 'dockerd'  one of: docker, "
        "containerd, "
        "kubelet, podman");
  CHECK(loaded_from("consumers: docker\n").complaints.size() == 1);
  const auto twice = loaded_from("consumers: [docker, docker]\n");
  REQUIRE(twice.complaints.size() == 1);
  CHECK(twice.complaints[0].line == 4);
  Tree none;
  CHECK(load_arrangement(none.files()).complaints.size() == 1);
}
