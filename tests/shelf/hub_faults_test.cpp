#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "shelf/apart.h"
#include "shelf/hub_node.h"
#include "shelf/orders.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::HubNode;

namespace {

const char* const chat = "fettle-test/tiny-chat";
const char* const moe = "fettle-test/tiny-moe";

}  // namespace

TEST_CASE("hub: F57 every refusal at every step ends with its reason, and publishes nothing") {
  HubNode node;
  node.want(moe, "main");
  struct Row {
    const char* where;
    const char* fault;
    State state;
    const char* says;
  };
  // The four requests of a download: what the branch is, which files, a file's head, its content.
  for (const Row& row :
       {Row{"/revision/", R"("kind": "status", "code": 401, "error": "")", State::failed,
            "does not accept the token"},
        Row{"/revision/", R"("kind": "status", "code": 500)", State::held, "an error of its own"},
        Row{"/tree/", R"("kind": "status", "code": 404, "error": "RepoNotFound")", State::failed,
            "does not have this repository"},
        Row{"/tree/", R"("kind": "status", "code": 429, "headers": {"Retry-After": "7"})", State::held,
            "rate limit"},
        Row{"HEAD .*json", R"("kind": "status", "code": 500)", State::held, "an error of its own"},
        Row{"HEAD .*json", R"("kind": "status", "code": 401, "error": "")", State::failed,
            "does not accept the token"},
        Row{"GET /bridge/", R"("kind": "status", "code": 403, "error": "GatedRepo")", State::failed, "gated"},
        Row{"GET /bridge/", R"("kind": "status", "code": 429, "headers": {"Retry-After": "7"})", State::held,
            "rate limit"},
        Row{"GET /bridge/", R"("kind": "status", "code": 500)", State::held, "an error of its own"}}) {
    CAPTURE(row.where);
    CAPTURE(row.fault);
    node.hub.faults(std::string(R"([{"match": ")") + row.where + R"(", )" + row.fault + "}]");
    node.tree.remove("/srv/fettle/hf/hub").remove("/var/lib/fettle/stage");
    node.fails(row.state, row.says);
  }
}

TEST_CASE("hub: F57 a redirect without end is no endless loop") {
  HubNode node;
  node.want_moe();
  node.hub.faults(
      R"([{"match": "/tree/", "kind": "status", "code": 302, "headers": {"Location": "/api/models/fettle-test/tiny-moe/tree/main"}}])");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state != State::ready);
  REQUIRE(report->error);
  CHECK_FALSE(*node.tree.files().exists(node.of(moe, "/refs/main")));
}

TEST_CASE("hub: F57 a connection cut at 99 percent leaves no file under its final name") {
  HubNode node;
  node.want_moe();
  node.hub.faults(R"([{"match": "GET /bridge/", "kind": "reset", "after": 59400}])");
  node.fails(State::held, "the connection broke");
  const auto names = node.tree.files().list(node.of(moe, "/blobs"));
  for (const std::string& name : names ? *names : std::vector<std::string>()) CHECK(name.size() == 40);
  node.hub.faults("[]");
  CHECK(node.stage()->state == State::ready);
}

TEST_CASE("hub: a connection that breaks is tried again at once, and whole files are not fetched again") {
  HubNode node;
  node.want(chat, node.hub.revision(chat));
  node.options.insist = std::chrono::seconds(60);
  node.hub.faults(R"([{"match": "GET /bridge/", "kind": "none", "times": 1},
                      {"match": "GET /bridge/", "kind": "reset", "after": 20000, "times": 2}])");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  CHECK(node.hub.requests("GET /bridge/") == 4);  // two files, one of them three times
  node.check_ready(chat);
}

TEST_CASE("hub: a client that is killed once is started again at once") {
  HubNode node;
  node.want_moe();
  node.options.insist = std::chrono::seconds(60);
  node.tree.file("/hf", "#!/bin/sh\nif [ \"$1\" = download ] && mkdir \"" + node.tree.root() +
                            "/killed\" 2>/dev/null; then kill -9 $$; fi\nexec " + node.options.client +
                            " \"$@\"\n");
  REQUIRE(node.tree.files().set_mode("/hf", 0755));
  node.options.client = node.tree.root() + "/hf";
  CHECK(node.stage()->state == State::ready);
  CHECK(*node.tree.files().exists("/killed"));
}

TEST_CASE("hub: a connection that always breaks is left to the next run, and an error of the hub at once") {
  HubNode node;
  node.want_moe();
  node.options.insist = std::chrono::seconds(3);
  node.hub.faults(R"([{"match": "GET /bridge/", "kind": "reset"}])");
  node.fails(State::held, "the connection broke");
  CHECK(node.hub.requests("GET /bridge/") >= 2);
  const int before = node.hub.requests("GET /bridge/");
  node.hub.faults(R"([{"match": "GET /bridge/", "kind": "status", "code": 500}])");
  node.fails(State::held, "an error of its own");
  CHECK(node.hub.requests("GET /bridge/") <= before + 2);  // one run, two names of one file
}

TEST_CASE("hub: a gated repository is found before the first large file of any other one comes") {
  HubNode node;
  node.want_both();
  node.hub.faults(R"([{"match": "/tiny-moe/resolve/", "kind": "status", "code": 403, "error": "GatedRepo"},
                      {"match": "GET /bridge/", "kind": "reset", "after": 0}])");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::failed);
  CHECK(report->repositories[1].state == State::failed);
  CHECK(report->repositories[0].state == State::held);
  // The small files of the first one came all the same: models can be judged by them.
  CHECK(*node.tree.files().exists(node.of(chat, "/snapshots/" + node.hub.revision(chat) + "/config.json")));
}

TEST_CASE(
    "hub: F59 less than the reserve is free in the middle: the client is stopped, and it goes on by itself "
    "later") {
  HubNode node("--large");
  node.want_both();
  node.hub.faults(R"([{"match": "GET /bridge/", "kind": "slow", "bytes_per_second": 400000}])");
  // Another program takes all that is left: seen from here, the reserve grows beyond it.
  node.options.published = [&](const Report& now) {
    if (!now.current.empty()) node.profile.cache->reserve = Bytes{1ULL << 60U};
  };
  const auto report = node.stage();
  node.options.published = {};
  REQUIRE(report);
  CHECK(report->state == State::held);
  CHECK(report->retry_at);
  CHECK(report->error->said.find("less than the reserve of") != std::string::npos);
  CHECK_FALSE(*node.tree.files().exists(node.of(moe, "/refs/main")));
  node.profile.cache->reserve = {};
  node.hub.faults("[]");
  CHECK(node.stage()->state == State::ready);
  node.check_ready(chat);
}

TEST_CASE(
    "hub: F59 a disk that is full in the middle, and one without inodes: held, nothing harmed, and on it "
    "goes") {
  for (const bool without_inodes : {false, true}) {
    CAPTURE(without_inodes);
    HubNode node("--large");
    node.want_both();
    node.hub.faults(R"([{"match": "GET /bridge/", "kind": "slow", "bytes_per_second": 4000000}])");
    const std::string home = node.tree.root() + "/srv/fettle/hf";
    const int wrong = fettle::test::apart([&] {
      if (!fettle::test::mount_small(home, "size=40m,nr_inodes=200")) return 78;
      // Opened again: the descriptor from before leads below the mount.
      const auto inside = system::Files::open(node.tree.root());
      const auto stage = [&] {
        return shelf::stage({*inside, *node.runner, node.clock}, node.profile, node.shelf, node.options);
      };
      // Another program fills it once the first large file is on its way.
      node.options.published = [&](const Report& now) {
        if (now.current.empty()) return;
        if (without_inodes) {
          for (int i = 0; i < 300; ++i) std::ofstream(home + "/filler" + std::to_string(i));
        } else {
          std::ofstream filler(home + "/filler0");
          const std::string block(1 << 20, 'x');
          while (filler.write(block.data(), static_cast<std::streamsize>(block.size())) && filler.flush()) {
          }
        }
      };
      const auto report = stage();
      node.options.published = {};
      int code = report && report->state == State::held && report->retry_at ? 0 : 1;
      if (*inside->exists(node.of(moe, "/refs/main"))) code |= 2;
      for (int i = 0; i < 300; ++i) ::unlink((home + "/filler" + std::to_string(i)).c_str());
      node.hub.faults("[]");
      const auto again = stage();
      if (!again || again->state != State::ready) code |= 4;
      return code;
    });
    CHECK(wrong == 0);
  }
}

TEST_CASE("hub: a download is cancelled within a second or two, and goes on where it ended") {
  HubNode node("--large");
  node.want_both();
  node.hub.faults(R"([{"match": "GET /bridge/", "kind": "slow", "bytes_per_second": 400000}])");
  node.options.published = [&](const Report& now) {
    if (!now.current.empty()) (void)give_order(node.machine(), "tiny", Order::cancel);
  };
  const auto report = node.stage();
  node.options.published = {};
  REQUIRE(report);
  CHECK(report->state == State::held);
  CHECK_FALSE(report->retry_at);
  CHECK(report->error->said == "cannot go on with 'tiny': it was cancelled by the operator");
  CHECK(*order_of(node.tree.files(), "tiny") == Order::none);
  node.hub.faults("[]");
  CHECK(node.stage()->state == State::ready);
}

TEST_CASE("hub: F60 a token of two lines, and one whose file others may read, are refused") {
  HubNode node;
  node.want_moe();
  const std::string path = "/run/credentials/fettle-stage@tiny.service/hf-token";
  node.tree.file(path, "hf_one\nhf_two\n");
  node.fails(State::failed, "holds more than one word");
  node.tree.file(path, "hf_AbCdEfGhIjKlMnOpQrStUvWxYz\r\n");
  node.tree.file("/etc/fettle/credentials/hf-token", "hf_AbCdEfGhIjKlMnOpQrStUvWxYz\n");
  REQUIRE(node.tree.files().set_mode("/etc/fettle/credentials/hf-token", 0640));
  node.fails(State::failed, "others than its owner may read");
  REQUIRE(node.tree.files().set_mode("/etc/fettle/credentials/hf-token", 0600));
  CHECK(node.stage()->state == State::ready);
}

TEST_CASE("hub: another user reads what was published, by main and by commit") {
  HubNode node;
  node.want_both();
  REQUIRE(node.stage()->state == State::ready);
  // The way there belongs to the test, not to the shelf.
  for (std::string path = node.tree.root(); path.size() > 1; path = path.substr(0, path.find_last_of('/')))
    (void)::chmod(path.c_str(), 0755);
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t nobody = 65534;
    if (::geteuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) ::_exit(1);
    const std::string top = node.tree.root() + node.of(chat, "");
    std::string main_commit;
    std::ifstream(top + "/refs/main") >> main_commit;
    int code = main_commit == node.hub.revision(chat) ? 0 : 2;
    for (const char* file :
         {"/config.json", "/tokenizer/tokenizer.json", "/model-00001-of-00002.safetensors"}) {
      std::ifstream in(top + "/snapshots/" + main_commit + file, std::ios::binary);
      if (in.get() == std::ifstream::traits_type::eof()) code |= 4;
    }
    std::ifstream tree(top + "/trees/" + main_commit + ".json");
    if (tree.get() != '{') code |= 8;
    ::_exit(code);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
