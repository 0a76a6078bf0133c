#include "shelf/ahead.h"

#include <doctest/doctest.h>

#include <map>
#include <thread>

#include "shelf/hub_node.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::HubNode;
using fettle::test::Tree;
using namespace std::chrono_literals;

namespace {

// SHA-256 of "abc".
const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

std::map<std::string, bool> all_of(Ahead& ahead) {
  while (!ahead.rest()) std::this_thread::yield();
  std::map<std::string, bool> found;
  for (const Ahead::Found& one : ahead.take()) found[one.name] = one.checked.same;
  return found;
}

}  // namespace

TEST_CASE("ahead: what was added is hashed once, what cannot be read is left to others") {
  Tree tree;
  tree.file("/abc", "abc").file("/abd", "abd");
  Ahead ahead(tree.files(), 1);
  CHECK(ahead.rest());
  CHECK(ahead.take().empty());
  ahead.add({"/abc", abc, {3}});
  CHECK(ahead.has(abc));
  std::vector<Ahead::Found> found;
  while (found.empty()) found = ahead.take();
  CHECK(found.size() == 1);
  CHECK(found[0].checked.same);
  CHECK(found[0].checked.info.size == Bytes{3});
  ahead.add({"/abc", abc, {3}});
  CHECK(all_of(ahead).empty());
  // After the rest everything may be added anew.
  CHECK_FALSE(ahead.has(abc));
  const std::string other(64, '0');
  ahead.add({"/abd", other, {3}});
  while (found.front().name != other) {
    auto more = ahead.take();
    if (!more.empty()) found = std::move(more);
  }
  CHECK_FALSE(found[0].checked.same);
  ahead.add({"/nothing", std::string(64, '1'), {3}});
  CHECK(all_of(ahead).empty());
}

TEST_CASE("ahead: it ends in the middle of a long file") {
  Tree tree;
  tree.file("/long", std::string(64U << 20U, 'x'));
  Ahead ahead(tree.files(), 1);
  ahead.add({"/long", abc, {64U << 20U}});
  CHECK(ahead.has(abc));
}

TEST_CASE("hub: a blob that has come is verified while another one is still on its way") {
  HubNode node;
  node.want(HubNode::chat, node.hub.revision(HubNode::chat));
  node.hub.faults(R"([{"match": "GET /bridge/", "kind": "none", "times": 1},
                      {"match": "GET /bridge/", "kind": "stall", "after": 20000, "seconds": 120}])");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::held);
  auto opened = Jobs::open(node.tree.files(), node.clock);
  REQUIRE(opened);
  unsigned verified = 0;
  const auto names = node.tree.files().list(node.of(HubNode::chat, "/blobs"));
  REQUIRE(names);
  for (const std::string& name : *names) {
    const auto info = node.tree.files().look(node.of(HubNode::chat, "/blobs/" + name));
    REQUIRE(info);
    const auto known = opened->jobs.was_verified(*info, name);
    REQUIRE(known);
    if (*known && name.size() == 64) ++verified;
  }
  CHECK(verified == 1);
  node.hub.faults("[]");
  CHECK(node.stage()->state == State::ready);
  node.check_ready(HubNode::chat);
}
