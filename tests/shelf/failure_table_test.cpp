// Every way in which the real client was seen to end (exit code, last words, what lies on the disk), and what
// staging makes of it. One row a case; a new text of a new client is a new row.
#include <doctest/doctest.h>

#include <array>
#include <set>

#include "shelf/staging.h"
#include "shelf/verify.h"
#include "support/fakes.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::FakeClock;
using fettle::test::StagingNode;
using namespace std::chrono_literals;

namespace {

const std::string id = "o/n";
const std::string commit(40, 'c');
const std::string config = "{}";
const std::string weights = "weights";

// What the client leaves behind: nothing, the small file only, an unfinished file, all of it, all of it with
// one wrong byte the first time.
enum class Leaves { nothing, small, unfinished, all, one_wrong, all_wrong };

struct Row {
  const char* name;
  int exit_code;
  const char* words;
  Leaves leaves;
  State state;
  Why why;                     // when it is not ready
  const char* says;            // in the sentence
  const char* advice;          // in the hint
  std::chrono::seconds later;  // zero: it is not tried again by itself
};

constexpr const char* token = "/etc/fettle/credentials/hf-token";
constexpr const char* by_itself = "the worker tries again by itself";

constexpr std::array rows{
    Row{"success", 0, "", Leaves::all, State::ready, {}, "", "", 0s},
    Row{"usage error", 2, "Usage: hf download [OPTIONS] REPO_ID\n\nError: No such option: --json",
        Leaves::nothing, State::failed, Why::malformed, "does not know an option", "install a client", 0s},
    Row{"no arguments, help on stdout", 0, "", Leaves::nothing, State::held, Why::failed,
        "2 files did not come", by_itself, 60s},
    Row{"repository 404", 1, "Error: Model 'o/n' not found.", Leaves::nothing, State::failed, Why::missing,
        "does not have this repository", "a private one needs a token", 0s},
    Row{"bad token 401", 1,
        "Error: Client error '401 Unauthorized' for url 'https://h/o/n'. Invalid credentials in "
        "Authorization "
        "header",
        Leaves::nothing, State::failed, Why::denied, "does not accept the token", token, 0s},
    Row{"gated", 1, "Error: Access denied. This repository requires approval.", Leaves::small, State::failed,
        Why::denied, "the repository is gated", "accept its terms", 0s},
    Row{"revision 404", 1, "Error: Revision not found in model 'o/n'.", Leaves::nothing, State::failed,
        Why::missing, "does not have this revision", "look at the revision", 0s},
    Row{"file 404", 1, "Error: File not found in repository.\nURL: https://h/o/n/resolve/main/x",
        Leaves::small, State::failed, Why::missing, "does not have one of its files",
        "was the repository changed", 0s},
    Row{"file 404 at the storage", 1,
        "Error: Client error '404 Not Found' for url 'https://cdn/x'\nHint: set HF_DEBUG=1 as environment "
        "variable for full traceback.",
        Leaves::small, State::held, Why::missing,
        "storage does not have what was asked for (the client says: Error: Client error '404", "a mirror",
        300s},
    Row{"400 at the storage", 1, "Error: Bad request:\n\nthe file is too large", Leaves::small, State::held,
        Why::refused, "does not take this request", by_itself, 300s},
    Row{"404 on the xet token", 1,
        "Error: Client error '404 Not Found' for url 'https://h/api/models/o/n/xet-read-token/c0ffee'",
        Leaves::small, State::held, Why::failed, "gives no key to its storage", by_itself, 60s},
    Row{"another refusal of the storage", 1, "Error: Client error '410 Gone' for url 'https://cdn/x'",
        Leaves::small, State::held, Why::refused, "does not take this request", by_itself, 300s},
    Row{"429 on the API", 1,
        "Error: Local entry not found. 429 Too Many Requests: you have reached your 'api' rate limit.\nRetry "
        "after 2 seconds (0/500 requests remaining in current 300s window).",
        Leaves::nothing, State::held, Why::refused, "rate limit", token, 2s},
    Row{"429 on resolve, for ever", 1,
        "HTTP Error 429 thrown while requesting HEAD https://h/o/n/resolve/main/x\nRate limited. Waiting "
        "3.0s "
        "before retry [Retry 5/5].",
        Leaves::small, State::held, Why::refused, "rate limit", token, 300s},
    Row{"429 on resolve, overcome",
        0,
        "Rate limited. Waiting 3.0s before retry [Retry 1/5].",
        Leaves::all,
        State::ready,
        {},
        "",
        "",
        0s},
    Row{"429 on the xet token", 0, "", Leaves::all, State::ready, {}, "", "", 0s},
    Row{"500 on the API", 1,
        "Error: Local entry not found. Server error '500 Internal Server Error' for url 'https://h/api'",
        Leaves::nothing, State::held, Why::failed, "the hub has an error of its own", by_itself, 60s},
    Row{"hub down, repository whole", 0, "", Leaves::all, State::ready, {}, "", "", 0s},
    Row{"hub down, a part is here, list known", 1,
        "Error: Local entry not found. [Errno 111] Connection refused\nIncomplete snapshot available at: "
        "/srv/x",
        Leaves::small, State::held, Why::failed, "the hub does not answer", by_itself, 60s},
    Row{"hub down, a part is here, told as success", 0, "", Leaves::small, State::held, Why::failed,
        "1 file did not come, 'model.safetensors'", by_itself, 60s},
    Row{"reset in the middle of a file", 1,
        "Traceback (most recent call last):\n  File \"x\"\nhttpx.ReadError: [Errno 104] Connection reset by "
        "peer",
        Leaves::small, State::held, Why::failed, "the connection broke", by_itself, 30s},
    Row{"closed in the middle of a file, overcome",
        0,
        "Error while downloading from https://h/x: Trying to resume download...",
        Leaves::all,
        State::ready,
        {},
        "",
        "",
        0s},
    Row{"wrong length", 1,
        "Traceback (most recent call last):\nOSError: Consistency check failed: file should be of size 7 but "
        "has size 5\nThis is usually due to network issues while downloading the file. Please retry.",
        Leaves::small, State::held, Why::failed,
        "with the wrong length (the client says: OSError: Consistency check failed", by_itself, 60s},
    Row{"wrong content of the right length, once", 0, "", Leaves::one_wrong, State::ready, {}, "", "", 0s},
    Row{"wrong content of the right length, always", 0, "", Leaves::all_wrong, State::failed, Why::malformed,
        "neither did a second copy", "compare with another source", 0s},
    Row{"reset in the middle of a xorb", 0, "", Leaves::all, State::ready, {}, "", "", 0s},
    Row{"a xorb cannot be had", 1,
        "Traceback (most recent call last):\nRuntimeError: Task error: File reconstruction error: CAS Client "
        "Error: Other",
        Leaves::small, State::held, Why::failed, "the hub's storage failed", by_itself, 60s},
    Row{"500 of the storage, for ever", 1,
        "RuntimeError: Task error: CAS Client Error: HTTP status server error (500 Internal Server Error)",
        Leaves::small, State::held, Why::failed, "the hub has an error of its own", by_itself, 60s},
    Row{"401 on the xet token", 1,
        "ConnectionError: Network error: Request error: HTTP status client error (401 ) for url (https://h)",
        Leaves::small, State::failed, Why::denied, "does not accept the token", token, 0s},
    Row{"disk full, plain", 1, "Traceback\nOSError: [Errno 28] No space left on device", Leaves::small,
        State::held, Why::failed, "the cache is full", "free some space", 300s},
    Row{"disk full, xet", 1, "RuntimeError: Task error: IO Error: No space left on device (os error 28)",
        Leaves::small, State::held, Why::failed, "the cache is full", "free some space", 300s},
    Row{"cache not writable", 1, "Traceback\nPermissionError: [Errno 13] Permission denied: '/srv/x'",
        Leaves::nothing, State::failed, Why::denied, "may not write into the cache", "fettle-stage", 0s},
    Row{"SIGINT", 1, "Aborted!", Leaves::small, State::held, Why::failed, "somebody interrupted the client",
        by_itself, 30s},
    Row{"SIGTERM, an unfinished file stays", 143, "", Leaves::unfinished, State::held, Why::failed,
        "ended by signal 15", "journalctl", 300s},
    Row{"SIGKILL, an unfinished file stays", 137, "", Leaves::unfinished, State::held, Why::failed,
        "ended by signal 9", "did memory run out?", 300s},
    Row{"offline", 1,
        "Error: Local entry not found. Cannot reach https://h/api: offline mode is enabled. To disable it, "
        "please unset the `HF_HUB_OFFLINE` environment variable.",
        Leaves::nothing, State::failed, Why::refused, "told not to use the network", "HF_HUB_OFFLINE", 0s},
    Row{"words of a client to come", 1, "Error: The flux is not capacitated.", Leaves::small, State::held,
        Why::failed, "exit code 1 (the client says: Error: The flux is not capacitated.)", "journalctl",
        300s},
};

// The client of one row: it answers questions, and its download does what the row says.
class RowClient final : public system::Runner {
 public:
  RowClient(StagingNode& node, const Row& row) : node_(node), row_(&row) {
    node.tree.file("/tmp/config", config).file("/tmp/weights", weights);
    config_blob = hash("/tmp/config", 40);
    weights_blob = hash("/tmp/weights", 64);
  }

  Result<system::Completed> run(const system::Command&) override {
    return system::Completed{0, R"({"version": "1.23.0"})", ""};
  }

  Result<system::Completed> run_watched(const system::Command& command,
                                        const std::function<system::Verdict()>& watch) override {
    REQUIRE(watch() == system::Verdict::go_on);
    if (command.argv.at(1) == "models") {
      return system::Completed{
          0,
          R"([{"path": "config.json", "size": 2, "blob_id": ")" + config_blob +
              R"(", "lfs": null}, {"path": "model.safetensors", "size": 7, "blob_id": ")" +
              std::string(40, 'b') + R"(", "lfs": {"size": 7, "sha256": ")" + weights_blob + R"("}}])",
          ""};
    }
    // The small files are asked for by name, before the others.
    const bool is_small = command.argv.back() == "config.json";
    if (row_->leaves == Leaves::nothing) return end();
    put(config_blob, config);
    if (is_small) return system::Completed{};
    ++downloads;
    const bool is_wrong =
        row_->leaves == Leaves::all_wrong || (row_->leaves == Leaves::one_wrong && downloads == 1);
    if (row_->leaves == Leaves::unfinished) put(weights_blob + ".0123abcd.incomplete", "wei");
    if (row_->leaves >= Leaves::all) put(weights_blob, is_wrong ? "WEIGHTS" : weights);
    return end();
  }

  void become(const Row& row) { row_ = &row; }

  std::string config_blob;
  std::string weights_blob;
  int downloads = 0;

 private:
  std::string hash(const char* path, std::size_t digits) const {
    const auto found = digest(node_.tree.files(), path, digits, [](Bytes) { return true; });
    REQUIRE(found);
    return *found;
  }
  void put(const std::string& name, const std::string& content) {
    node_.tree.file(node_.of(id, "/blobs/" + name), content);
  }
  Result<system::Completed> end() const { return system::Completed{row_->exit_code, "", row_->words}; }

  StagingNode& node_;
  const Row* row_;
};

}  // namespace

TEST_CASE(
    "hub: F57 every end that the real client was seen to have: what it is called, what to do, when again") {
  std::set<std::string> names;
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    StagingNode node;
    node.want(id, commit);
    node.options.client = "/usr/bin/hf";
    FakeClock clock;
    RowClient client(node, row);
    const auto stage = [&] {
      return shelf::stage({node.tree.files(), client, clock}, node.profile, node.shelf, node.options);
    };
    const auto report = stage();
    REQUIRE(report);
    CAPTURE((report->error ? report->error->said : ""));
    CAPTURE((report->error ? report->error->hint : ""));
    CHECK(report->state == row.state);
    CHECK(report->error.has_value() == (row.state != State::ready));
    CHECK(report->retry_at.has_value() == (row.later > 0s));
    if (report->retry_at) CHECK(*report->retry_at == clock.now() + row.later);
    CHECK(*node.tree.files().exists(node.of(id, "/refs/main")) == (row.state == State::ready));
    if (report->error) {
      CHECK(report->error->why == row.why);
      CHECK(report->error->said.rfind("cannot ", 0) == 0);
      CHECK(report->error->said.find(row.says) != std::string::npos);
      CHECK(report->error->hint.find(row.advice) != std::string::npos);
    }
    // With the cause gone the next run ends well, and nothing unfinished is left.
    client.become(rows[0]);
    const auto again = stage();
    REQUIRE(again);
    CAPTURE((again->error ? again->error->said : ""));
    CHECK(again->state == State::ready);
    CHECK(node.tree.files().list(node.of(id, "/blobs"))->size() == 2);
    CHECK(node.tree.read(node.of(id, "/snapshots/" + commit + "/model.safetensors")) == weights);
  }
  CHECK(names.size() == 37);
}
