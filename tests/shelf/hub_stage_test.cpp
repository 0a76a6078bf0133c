#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/names.h"
#include "shelf/hub_node.h"
#include "system/lock.h"

using namespace fettle;
using namespace fettle::shelf;
using namespace std::chrono_literals;
using fettle::test::Hub;
using fettle::test::HubNode;

namespace {

const char* const chat = "fettle-test/tiny-chat";
const char* const moe = "fettle-test/tiny-moe";

}  // namespace

TEST_CASE("hub: two repositories become ready, and the second run asks the hub nothing") {
  HubNode node;
  node.want_both();
  const auto report = node.stage();
  REQUIRE(report);
  if (report->error) MESSAGE(report->error->said);
  CHECK(report->state == State::ready);
  CHECK(report->total.files == 10);
  node.check_ready(chat);
  node.check_ready(moe);
  CHECK(node.tree.read(node.of(chat, "/refs/main")) == node.hub.revision(chat));
  CHECK(node.tree.files().look(node.of(chat, "/trees/" + node.hub.revision(chat) + ".json"))->mode == 0644);
  node.hub.stop();
  const auto again = node.stage();
  REQUIRE(again);
  CHECK(again->state == State::ready);
}

TEST_CASE(
    "hub: what comes from the content-addressed storage lies in its repository, not in a store for all") {
  HubNode node({}, fettle::test::Hub::Storage::xet);
  node.want_both();
  CHECK(node.stage()->state == State::ready);
  node.check_ready(chat);
  node.check_ready(moe);
  CHECK_FALSE(*node.tree.files().exists("/srv/fettle/hf/hub/blobs"));
  const auto names = node.tree.files().list(node.of(moe, "/blobs"));
  REQUIRE(names);
  for (const std::string& name : *names)
    CHECK(node.tree.files().look(node.of(moe, "/blobs/" + name))->kind == system::Kind::file);
}

TEST_CASE("hub: a branch is pinned before the first byte, and the ref has its name") {
  HubNode node;
  node.want(moe, "main");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  CHECK(report->repositories[0].revision == node.hub.revision(moe));
  CHECK(node.hub.requests("revision/main") == 1);
  node.check_ready(moe);
}

TEST_CASE("hub: patterns reach the client, and only what is wanted is loaded") {
  HubNode node;
  node.want_moe();
  node.shelf.repositories[0].include = {"*.json"};
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  CHECK(report->total.files == 2);
  CHECK(node.hub.requests("GET /bridge/") == 0);
}

TEST_CASE("hub: F58 one wrong byte is found, the file fetched again, and the shelf is ready") {
  HubNode node;
  node.want_both();
  node.hub.faults(R"([{"match": "GET /bridge/", "kind": "wrong_byte", "times": 1}])");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  node.check_ready(chat);
  CHECK(node.hub.requests("GET /bridge/") == 4);  // three files, one of them twice
}

TEST_CASE("hub: F58 a byte that is wrong each time is a failure, and nothing is published") {
  HubNode node;
  node.want_moe();
  node.hub.faults(R"([{"match": "GET /bridge/", "kind": "wrong_byte"}])");
  node.fails(State::failed, "neither did a second copy");
  CHECK(node.hub.requests("GET /bridge/") == 2);
  // The operator starts it again when the source is good.
  node.hub.faults("[]");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  node.check_ready(moe);
}

TEST_CASE("hub: F57 what the hub refuses fails at once with its reason") {
  struct Row {
    const char* fault;
    const char* says;
  };
  for (
      const Row& row :
      {Row{R"([{"match": "/api/", "kind": "status", "code": 404, "error": "RepoNotFound"}])",
           "does not have this repository"},
       Row{R"([{"match": "/tree/", "kind": "status", "code": 404, "error": "RevisionNotFound"}])",
           "does not have this revision"},
       Row{R"([{"match": "/api/", "kind": "status", "code": 401, "error": ""}])",
           "does not accept the token"},
       Row{R"([{"match": "/resolve/", "kind": "status", "code": 403, "error": "GatedRepo"}])",
           "the repository is gated"},
       Row{R"([{"match": "/resolve/.*safetensors", "kind": "status", "code": 404, "error": "EntryNotFound"}])",
           "does not have one of its files"}}) {
    CAPTURE(row.says);
    HubNode node;
    node.want_moe();
    node.hub.faults(row.fault);
    node.fails(State::failed, row.says);
  }
}

TEST_CASE("hub: F57 what passes is held until later") {
  struct Row {
    const char* fault;
    const char* says;
  };
  for (const Row& row :
       {Row{R"([{"match": "/api/", "kind": "status", "code": 429, "headers": {"Retry-After": "7"}}])",
            "rate limit"},
        Row{R"([{"match": "/resolve/", "kind": "status", "code": 429, "headers": {"Retry-After": "7"}}])",
            "rate limit"},
        Row{R"([{"match": "/tree/", "kind": "status", "code": 503}])", "an error of its own"},
        Row{R"([{"match": "/bridge/", "kind": "reset"}])", "the connection broke"}}) {
    CAPTURE(row.says);
    HubNode node;
    node.want_moe();
    node.hub.faults(row.fault);
    node.fails(State::held, row.says);
    const auto blobs = node.tree.files().list(node.of(moe, "/blobs"));
    for (const std::string& name : blobs ? *blobs : std::vector<std::string>()) CHECK(is_blob_name(name));
  }
}

TEST_CASE("hub: F57 pages that are not JSON, and a hub that is not there") {
  HubNode node;
  node.want_moe();
  node.hub.faults(R"([{"match": "/tree/", "kind": "html"}])");
  const auto html = node.stage();
  REQUIRE(html);
  CHECK(html->state == State::held);
  REQUIRE(html->error);
  CHECK(html->error->said.find("the hub's answer is not what a hub says") != std::string::npos);
  node.hub.stop();
  node.fails(State::held, "does not answer");
}

TEST_CASE("hub: the first repository that is held stops the rest, one that failed does not") {
  HubNode node;
  node.want_both();
  node.hub.faults(
      R"([{"match": "/tiny-chat/resolve/", "kind": "status", "code": 403, "error": "GatedRepo"}])");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::failed);
  CHECK(report->repositories[0].state == State::failed);
  CHECK(report->repositories[1].state == State::ready);
  node.check_ready(moe);
}

TEST_CASE("hub: a download that stands still is stopped, tried once more, and then held") {
  HubNode node;
  node.want_moe();
  node.hub.faults(R"([{"match": "/bridge/", "kind": "stall", "after": 20000, "seconds": 120, "times": 1}])");
  const auto once = node.stage();
  REQUIRE(once);
  CHECK(once->state == State::ready);
  CHECK(node.hub.requests("GET /bridge/") == 2);
  node.check_ready(moe);
}

TEST_CASE("hub: a hub that always stands still is left alone until later") {
  HubNode node;
  node.want_moe();
  node.options.stall = 2s;
  node.hub.faults(R"([{"match": "/bridge/", "kind": "stall", "after": 20000, "seconds": 120}])");
  const auto begin = std::chrono::steady_clock::now();
  node.fails(State::held, "no byte came for 2 s");
  CHECK(std::chrono::steady_clock::now() - begin < 60s);
  CHECK(node.hub.requests("GET /bridge/") == 2);
}

TEST_CASE("hub: a worker that is killed in the middle goes on without fetching finished files again") {
  HubNode node("--large");
  node.want_both();
  // One file of the second repository is slow: by then the first one is done.
  node.hub.faults(R"([{"match": "/bridge/d8b6|tiny-moe/resolve/.*/model", "kind": "none"},
                      {"match": "/bridge/", "kind": "slow", "bytes_per_second": 4000000}])");
  const pid_t worker = ::fork();
  if (worker == 0) {
    (void)node.stage();
    ::_exit(0);
  }
  // Killed as soon as the second repository is in flight.
  const auto end = std::chrono::steady_clock::now() + 60s;
  bool in_flight = false;
  while (!in_flight && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(50ms);
    const auto names = node.tree.files().list(node.of(moe, "/blobs"));
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
      in_flight = in_flight || name.find(".incomplete") != std::string::npos;
    }
  }
  REQUIRE(in_flight);
  REQUIRE(::kill(worker, SIGKILL) == 0);
  REQUIRE(::waitpid(worker, nullptr, 0) == worker);
  CHECK_FALSE(*node.tree.files().exists(node.of(moe, "/refs/main")));
  const auto half = read_report(node.tree.files(), "tiny");
  REQUIRE(half);
  CHECK(half->state == State::fetching);
  CHECK(half->repositories[0].state == State::ready);
  const int before = node.hub.requests("GET /bridge/");
  const auto first = node.tree.files().look(node.largest_blob(chat));

  node.hub.faults("[]");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  CHECK(node.tree.files().look(node.largest_blob(chat))->inode == first->inode);
  CHECK(node.hub.requests("GET /bridge/") == before + 1);
  node.check_ready(moe);  // no *.incomplete is left either
}

TEST_CASE("hub: two workers do not meet on one shelf") {
  HubNode node;
  node.want_moe();
  const auto held = system::lock_file(node.tree.files(), "/var/lib/fettle/stage/tiny.lock", node.clock, 0ms);
  REQUIRE(held);
  const auto report = node.stage();
  REQUIRE_FALSE(report);
  CHECK(report.error().said == "cannot stage 'tiny': another worker is at it");
  CHECK(node.hub.requests("GET") == 0);
}

TEST_CASE("hub: a client that is missing or too old is said with what to do") {
  HubNode node;
  node.want_moe();
  node.tree.file("/srv/fettle/hf/.stub_hf_version", "1.12.0");
  node.fails(State::failed, "older than 1.13");
  node.options.client.clear();
  node.fails(State::failed, "cannot find the Hugging Face client `hf`");
}

TEST_CASE("hub: F60 a token reaches the hub and no report, record or environment") {
  HubNode node;
  node.want_moe();
  const std::string token = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz";
  node.tree.file("/run/credentials/fettle-stage@tiny.service/hf-token", token + "\n");
  node.hub.faults(R"([{"match": "/resolve/", "kind": "status", "code": 403, "error": "GatedRepo"}])");
  node.fails(State::failed, "gated");
  CHECK(node.tree.read("/run/fettle/shelf/tiny.json").find(token) == std::string::npos);
  CHECK(node.tree.read(names::stage_state).find(token) == std::string::npos);
  node.tree.file("/run/credentials/fettle-stage@tiny.service/hf-token", "");
  node.fails(State::failed, "is empty");
}
