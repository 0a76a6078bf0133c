#include "shelf/client.h"

#include <doctest/doctest.h>

#include <array>

#include "support/fakes.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::FakeClock;
using fettle::test::FakeRunner;
using fettle::test::Tree;
using namespace std::chrono_literals;

namespace {

struct Bench {
  Tree tree;
  FakeRunner runner;
  FakeClock clock;
  system::System system{tree.files(), runner, clock};
  profile::Shelf shelf;
  Options options;
  Layout layout{"/srv/fettle/hf"};
  Work work() {
    return {system, shelf, options, layout, 0755, [] { return Bytes{}; }};
  }
};

}  // namespace

TEST_CASE("client: it is looked for in its places, and its absence ends in advice") {
  Bench bench;
  const auto none = find_client(bench.work());
  REQUIRE_FALSE(none);
  CHECK(none.error().why == Why::missing);
  CHECK(none.error().hint.find("fettle shelf client install") != std::string::npos);

  bench.tree.file("/usr/bin/hf").file("/opt/fettle/hf/bin/hf");
  bench.runner.expect(bench.tree.root() + "/opt/fettle/hf/bin/hf version --format json",
                      system::Completed{0, R"({"version": "1.23.0"})", ""});
  const auto found = find_client(bench.work());
  REQUIRE(found);
  CHECK(found->version.to_text() == "1.23.0");
}

TEST_CASE("client: one that is too old or tells nothing is refused") {
  struct Row {
    system::Completed answer;
    const char* says;
  };
  for (const Row& row : {Row{{0, R"({"version": "1.12.9"})", ""}, "older than 1.13"},
                         Row{{0, "", ""}, "does not tell its version"},
                         Row{{0, R"({"version": "new"})", ""}, "does not tell its version"},
                         Row{{2, "", "Usage: hf\nError: No such command 'version'"}, "No such command"},
                         Row{{1, R"({"version": "1.23.0"})", "boom"}, "boom"}}) {
    CAPTURE(row.says);
    Bench bench;
    bench.options.client = "/x/hf";
    bench.runner.expect("/x/hf version", row.answer);
    const auto found = find_client(bench.work());
    REQUIRE_FALSE(found);
    CHECK(found.error().said.find(row.says) != std::string::npos);
    CHECK_FALSE(found.error().hint.empty());
  }
}

TEST_CASE("client: its environment is ours, and fits the memory of the node") {
  Bench bench;
  bench.shelf.name = "tiny";
  bench.shelf.endpoint = "http://mirror:8080//";
  auto env = client_environment(bench.work());
  CHECK(env["HF_HOME"] == bench.tree.root() + "/srv/fettle/hf");
  CHECK(env["HF_ENDPOINT"] == "http://mirror:8080");
  CHECK(env["HF_HUB_DISABLE_SHARED_BLOBS"] == "1");
  CHECK(env["HF_TOKEN_PATH"] == bench.tree.root() + "/run/credentials/fettle-stage@tiny.service/hf-token");
  CHECK(env.count("HF_TOKEN") == 0);
  CHECK(env["HF_XET_HIGH_PERFORMANCE"] == "0");  // nothing known: the careful choice
  CHECK(env["HF_XET_RECONSTRUCTION_DOWNLOAD_BUFFER_LIMIT"] == "2gb");
  bench.tree.file("/proc/meminfo", "MemTotal:       1939999999 kB\nMemFree: 1 kB\n");
  env = client_environment(bench.work());
  CHECK(env["HF_XET_HIGH_PERFORMANCE"] == "1");
  bench.tree.file("/proc/meminfo", "MemTotal:       16000000 kB\n");
  CHECK(client_environment(bench.work())["HF_XET_HIGH_PERFORMANCE"] == "0");
}

TEST_CASE("client: F60 a token may be absent but not empty") {
  Tree tree;
  CHECK(check_token(tree.files(), "tiny"));
  tree.file(token_path("tiny"), "\n");
  CHECK(check_token(tree.files(), "tiny").error().said.find("is empty") != std::string::npos);
  tree.file(token_path("tiny"), "hf_abcdefghijklmnopqrstuvwx\n");
  CHECK(check_token(tree.files(), "tiny"));
  tree.file(token_path("tiny"), std::string(5000, 'x'));
  CHECK_FALSE(check_token(tree.files(), "tiny"));
}

TEST_CASE("client: F60 its words are shown without tokens and control characters") {
  CHECK(scrubbed("token hf_AbCdEfGhIjKlMnOpQrStUv, hf_xet") == "token hf_(token), hf_xet");
  CHECK(scrubbed("a\x1b[31mb\nc") == "a [31mb c");
  CHECK(scrubbed(std::string(1000, 'x')).size() == 300);
}

TEST_CASE("client: F57 every known end has its meaning") {
  struct Row {
    int code;
    const char* words;
    State state;
    std::chrono::seconds later;
  };
  constexpr std::array rows{
      Row{1, "Error: Model 'nx/model' not found.", State::failed, 0s},
      Row{1, "Error: Client error '401 Unauthorized' for url. Invalid credentials in Authorization header",
          State::failed, 0s},
      Row{1, "Error: Access denied. This repository requires approval.", State::failed, 0s},
      Row{1, "Error: Revision not found in model 'o/n'.", State::failed, 0s},
      Row{1, "Error: Revision 'x' not found on 'o/n'.", State::failed, 0s},
      Row{1, "Error: File not found in repository.\nURL: http://x", State::failed, 0s},
      Row{1,
          "Error: Local entry not found. 429 Too Many Requests: you have reached your 'api' rate limit.\n"
          "Retry after 17 seconds (0/500 requests remaining in current 300s window).",
          State::held, 17s},
      Row{1, "429 Too Many Requests\nRetry after 999999 seconds", State::held, 3600s},
      Row{1, "Error: Local entry not found. Server error '500 Internal Server Error'", State::held, 60s},
      Row{1, "Error: Local entry not found. [Errno 111] Connection refused", State::held, 60s},
      Row{1, "Traceback\nhttpx.ReadError: [Errno 104] Connection reset by peer", State::held, 30s},
      Row{1, "OSError: Consistency check failed: file should be of size 4", State::held, 60s},
      Row{1, "OSError: [Errno 28] No space left on device", State::held, 300s},
      Row{1, "RuntimeError: Task error: IO Error: No space left on device (os error 28)", State::held, 300s},
      Row{1, "PermissionError: [Errno 13] Permission denied: '/x'", State::failed, 0s},
      Row{1, "RuntimeError: Task error: File reconstruction error: CAS Client Error: x", State::held, 60s},
      Row{2, "Usage: hf [OPTIONS]\n\nError: No such option: --format", State::failed, 0s},
      Row{1, "something that nobody has seen before", State::held, 300s},
      Row{137, "", State::held, 300s},
  };
  for (const Row& row : rows) {
    CAPTURE(row.words);
    const Stopped stopped = classify("download 'o/n'", row.code, row.words);
    CHECK(stopped.state == row.state);
    CHECK(stopped.retry_after == row.later);
    CHECK(stopped.error.said.rfind("cannot download 'o/n': ", 0) == 0);
    CHECK_FALSE(stopped.error.hint.empty());
  }
  CHECK(classify("x", 137, "").error.said == "cannot x: the client was ended by signal 9");
  CHECK(classify("x", 3, "odd\n\n").error.said ==
        "cannot x: the client ended with exit code 3 (the client says: odd)");
}

TEST_CASE(
    "client: a connection that sleeps is given up soon; when that was too soon, at once with more patience") {
  Bench bench;
  bench.tree.file("/usr/bin/hf");
  const std::string program = bench.tree.root() + "/usr/bin/hf";
  bench.runner.expect(program + " version", system::Completed{0, R"({"version": "1.23.0"})", ""});
  bench.runner.expect(program + " download o/n",
                      system::Completed{1, "", "httpx.ReadTimeout: The read operation timed out\n"});
  bench.runner.expect(program + " download o/n");
  Work work = bench.work();
  work.stop_now = []() -> const Stopped* { return nullptr; };
  work.pause = [] { return 0ms; };
  const auto begun = bench.clock.steady();
  const std::vector<File> missing{{"model.safetensors", 1_GiB, std::string(64, 'a')}};
  CHECK(make_hub_source(work)->fetch({"o/n", std::string(40, 'a'), "main", {}}, {}, missing, Part::all));
  CHECK(bench.clock.steady() == begun);
  const auto waits = [&](std::size_t run) {
    const auto& env = bench.runner.ran.at(run).env;
    return env.at("HF_HUB_DOWNLOAD_TIMEOUT") + " " + env.at("HF_XET_CLIENT_READ_TIMEOUT");
  };
  CHECK(waits(1) == "8 8s");
  CHECK(waits(2) == "30 60s");

  // Twice too little: the worker waits as after any failure of the network.
  bench.runner.expect(program + " version", system::Completed{0, R"({"version": "1.23.0"})", ""});
  for (int i = 0; i < 2; ++i)
    bench.runner.expect(program + " download o/n", system::Completed{1, "", "ReadTimeout"});
  const auto twice =
      make_hub_source(work)->fetch({"o/n", std::string(40, 'a'), "main", {}}, {}, missing, Part::all);
  REQUIRE_FALSE(twice);
  CHECK(twice.error().state == State::held);
  CHECK(twice.error().error.why == Why::timed_out);
}

TEST_CASE("client: paused to keep a rate, it always waits long") {
  Bench bench;
  bench.shelf.rate = 100_MiB;
  CHECK(client_environment(bench.work(), Patience::brief)["HF_HUB_DOWNLOAD_TIMEOUT"] == "30");
  CHECK(client_environment(bench.work(), Patience::brief)["HF_XET_CLIENT_READ_TIMEOUT"] == "60s");
}
