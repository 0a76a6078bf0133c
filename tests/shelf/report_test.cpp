#include "shelf/report.h"

#include <doctest/doctest.h>

#include "base/names.h"
#include "support/fakes.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::FakeClock;
using fettle::test::Tree;
using namespace std::chrono_literals;

namespace {

const std::string path = std::string(names::shelf_reports) + "/tiny.json";

Report example(State state) {
  Report report;
  report.shelf = "tiny";
  report.state = state;
  report.source = profile::Source::archive;
  report.repositories = {{"a/b", std::string(40, 'a'), state, {{50}, 1}, {{20}, 1}, {{100}, 3}}};
  report.done = {{50}, 1};
  report.total = {{100}, 3};
  report.rate = {10};
  report.eta = 5s;
  report.started_at = report.updated_at = FakeClock().now();
  report.worker = 42;
  return report;
}

profile::Profile wanting() {
  profile::Profile profile;
  profile.shelves.resize(1);
  profile.shelves[0].name = "tiny";
  return profile;
}

Finding finding_of(const Tree& tree, std::chrono::seconds later) {
  const auto profile = wanting();
  const auto all = findings(read_reports(tree.files(), profile), profile, FakeClock().now() + later);
  REQUIRE(!all.empty());
  CHECK(all[0].id == "shelf.tiny");
  return all[0].finding;
}

}  // namespace

TEST_CASE("shelf: a report is read as it was written") {
  Tree tree;
  Report report = example(State::held);
  report.error = Error{Why::timed_out, "cannot download", "wait"};
  report.retry_at = report.updated_at + 60s;
  report.store = {{Status::fail, "it was broken", "look"}};
  REQUIRE(write_report(tree.files(), report));
  CHECK(tree.files().look(path)->mode == 0644);
  const auto read = read_report(tree.files(), "tiny");
  REQUIRE(read);
  CHECK(to_json(*read) == to_json(report));
  CHECK(read->error->why == Why::timed_out);
  CHECK(read->eta == 5s);
  CHECK(read->repositories[0].total.files == 3);
  CHECK(read->worker == 42);
}

TEST_CASE("shelf: what is not a report is an error, and absence is missing") {
  Tree tree;
  CHECK(read_report(tree.files(), "tiny").error().why == Why::missing);
  for (const char* bad : {"", "{}", "null", "[]", R"({"format": 2, "shelf": "tiny", "state": "ready"})",
                          R"({"format": 1, "shelf": "other", "state": "ready"})",
                          R"({"format": 1, "shelf": "tiny", "state": "wonderful"})",
                          R"({"format": 1, "shelf": "tiny", "state": "ready", "repositories": [{}]})"}) {
    CAPTURE(bad);
    tree.file(path, bad);
    CHECK(read_report(tree.files(), "tiny").error().why == Why::malformed);
    CHECK(finding_of(tree, 0s).status == Status::unknown);
  }
  tree.file(
      path,
      R"({"format": 1, "shelf": "tiny", "state": "ready", "updated_at": 18446744073709551615, "worker": 1e300})");
  CHECK(read_report(tree.files(), "tiny"));
  tree.file(path, std::string(5 << 20, ' '));
  CHECK(finding_of(tree, 0s).status == Status::unknown);
}

TEST_CASE("shelf: each state has its finding") {
  struct Row {
    State state;
    Status status;
    const char* says;
  };
  for (const Row& row : {Row{State::ready, Status::pass, "every byte verified"},
                         Row{State::wanted, Status::warn, "not ready yet: wanted"},
                         Row{State::fetching, Status::warn, "fetching, 50 B of 100 B at 10 B/s"},
                         Row{State::verifying, Status::warn, "verifying, 0 B of 100 B"},
                         Row{State::corrupt, Status::warn, "corrupt"},
                         Row{State::held, Status::warn, "goes on later: cannot x"},
                         Row{State::refused, Status::fail, "refused: cannot x"},
                         Row{State::failed, Status::fail, "failed: cannot x"}}) {
    CAPTURE(to_text(row.state));
    Tree tree;
    Report report = example(row.state);
    if (is_at_rest(row.state) && row.state != State::ready)
      report.error = Error{Why::failed, "cannot x", "do y"};
    REQUIRE(write_report(tree.files(), report));
    const Finding finding = finding_of(tree, 1s);
    CHECK(finding.status == row.status);
    CHECK(finding.says.find(row.says) != std::string::npos);
    if (report.error) CHECK(finding.hint == "do y");
    CHECK(state_of(to_text(row.state)) == row.state);
  }
}

TEST_CASE("shelf: silence is unknown while it is in work, and fine when it is at rest") {
  Tree tree;
  CHECK(finding_of(tree, 0s).status == Status::unknown);
  REQUIRE(write_report(tree.files(), example(State::fetching)));
  CHECK(finding_of(tree, 119s).status == Status::warn);
  CHECK(finding_of(tree, 121s).status == Status::unknown);
  REQUIRE(write_report(tree.files(), example(State::ready)));
  CHECK(finding_of(tree, 240h).status == Status::pass);
}

TEST_CASE("shelf: F49 broken records of a worker are a finding of their own") {
  Tree tree;
  Report report = example(State::ready);
  report.store = {{Status::fail, "it was broken", "look"}};
  REQUIRE(write_report(tree.files(), report));
  const auto profile = wanting();
  const auto all = findings(read_reports(tree.files(), profile), profile, report.updated_at);
  REQUIRE(all.size() == 2);
  CHECK(all[0].finding.status == Status::pass);
  CHECK(all[1].id == "shelf.store");
  CHECK(all[1].finding.status == Status::fail);
}
