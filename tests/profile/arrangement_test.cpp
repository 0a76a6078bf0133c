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

TEST_CASE("configuration: places have a path, a cache directory, and a user for '~'") {
  const auto loaded = loaded_from(
      "places:\n  - {path: /var/lib/docker, cache: docker}\n"
      "  - {path: ~/.cache/huggingface, user: alice, cache: hf, as: link}\n");
  REQUIRE_MESSAGE(loaded.arrangement, to_text(loaded.complaints.at(0)));
  const auto& places = loaded.arrangement->places;
  REQUIRE(places.size() == 2);
  CHECK(places[0].path == "/var/lib/docker");
  CHECK(places[0].as == PlaceAs::bind);
  CHECK(places[1].user == "alice");
  CHECK(places[1].as == PlaceAs::link);
}

TEST_CASE("configuration: mistakes in places have their place") {
  const auto said_of = [](const std::string& place) {
    const auto loaded = loaded_from("places:\n  - " + place + "\n");
    REQUIRE_MESSAGE(loaded.complaints.size() == 1, place);
    CHECK(loaded.complaints[0].line == 5);
    return loaded.complaints[0].what + " " + loaded.complaints[0].allowed;
  };
  CHECK(said_of("{path: /etc/docker, cache: docker}").find("none of the system's own") != std::string::npos);
  CHECK(said_of("{path: /var, cache: docker}").find("none of the system's own") != std::string::npos);
  CHECK(said_of("{path: /var/lib/../x, cache: docker}").find("'path'") != std::string::npos);
  CHECK(said_of("{path: ~/.cache, cache: hf}").find("'~' needs a 'user'") != std::string::npos);
  CHECK(said_of("{path: /var/x, user: alice, cache: hf}").find("begins with '~'") != std::string::npos);
  CHECK(said_of("{path: /var/x}").find("cache") != std::string::npos);
  CHECK(said_of("{path: /var/x, cache: hf, as: copy}").find("bind, link") != std::string::npos);
  const auto twice = loaded_from("places: [{path: /var/x, cache: a}, {path: /var/x, cache: b}]\n");
  CHECK(twice.complaints.size() == 1);
}
