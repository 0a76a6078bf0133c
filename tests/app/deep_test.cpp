#include "collect/deep.h"

#include <doctest/doctest.h>

#include "health/deep.h"
#include "support/fakes.h"
#include "support/tree.h"
#include "system/lock.h"

using namespace fettle;
using namespace fettle::collect;
using namespace std::chrono_literals;
using fettle::test::FakeClock;
using fettle::test::FakeRunner;
using fettle::test::Tree;
using profile::DeepCheck;
using profile::ExitCodes;

namespace {

struct Node {
  Tree tree;
  FakeRunner runner;
  FakeClock clock;
  profile::Profile profile;

  Node() {
    tree.file("/proc/uptime", "3600.0 1.0\n");
    DeepCheck rvs;
    rvs.name = "rvs";
    rvs.command = {"/opt/rocm/bin/rvs", "-r", "2"};
    rvs.deadline_seconds = 900;
    rvs.why = "why";
    DeepCheck info = rvs;
    info.name = "rocminfo";
    info.command = {"/opt/rocm/bin/rocminfo"};
    profile.deep = {rvs, info};
  }

  Result<std::vector<facts::DeepTrial>> run(const std::vector<DeepCheck>& checks) {
    return run_deep({tree.files(), runner, clock}, checks, [](const DeepCheck&) {});
  }
  Finding finding(std::size_t which, std::chrono::seconds uptime = 3600s) {
    facts::Facts facts;
    facts.uptime = uptime;
    facts.deep_trials = facts::read_deep_trials(tree.files());
    const Findings found = health::deep_findings(facts, profile, {});
    REQUIRE(found.size() == 2);
    return found[which].finding;
  }
};

}  // namespace

TEST_CASE("deep: nobody ran it, it passes, it is old: what the daemon says of it") {
  Node node;
  CHECK(node.finding(0).status == Status::not_applicable);
  CHECK(node.finding(0).says == "nobody ran it in this boot; `fettle check --deep rvs` runs it");
  node.runner.expect("/opt/rocm/bin/rvs -r 2", system::Completed{0, "loading\n[RESULT] all pass\n", ""});
  const auto done = node.run({node.profile.deep[0]});
  REQUIRE(done);
  CHECK(node.runner.ran[0].deadline == 900s);
  CHECK(node.finding(0).status == Status::pass);
  CHECK(node.finding(0).says == "[RESULT] all pass; run 0 min ago");
  CHECK(node.finding(0, 3600s + 3h).says == "[RESULT] all pass; run 3 h ago");
  CHECK(node.finding(0, 3600s + 24h).status == Status::pass);
  CHECK(node.finding(0, 3601s + 24h).status == Status::unknown);
  CHECK(node.finding(0, 3601s + 24h).says == "it was last run 24 h ago and was then pass: [RESULT] all pass");
  // Another one keeps it.
  node.runner.expect("/opt/rocm/bin/rocminfo", system::Completed{1, "", "Unable to open /dev/kfd\n"});
  REQUIRE(node.run({node.profile.deep[1]}));
  CHECK(node.finding(0).status == Status::pass);
  CHECK(node.finding(1).status == Status::fail);
  CHECK(node.finding(1).says == "it ended with 1: Unable to open /dev/kfd; run 0 min ago");
  CHECK(node.finding(1).hint == "`fettle check --deep rocminfo` runs it anew");
}

TEST_CASE("deep: colours of a program that takes a pipe for a terminal are left out") {
  DeepCheck check;
  const std::string red = "\x1b[31m", end = "\x1b[0m";
  CHECK(judge_deep(check, {1, red + "ROCk module is NOT loaded" + end + "\n" + end + "\n", ""}).says ==
        "it ended with 1: ROCk module is NOT loaded");
  CHECK(judge_deep(check, {1, "cut off \x1b[1;3", ""}).says == "it ended with 1: cut off");
  CHECK(judge_deep(check, {1, "[RESULT] \x1b]0;title\x07 bad", ""}).says ==
        "it ended with 1: [RESULT]  ]0;title  bad");
}

TEST_CASE("deep: what a program ends with, in both ways of saying it") {
  DeepCheck check;
  struct Row {
    int code;
    Status plain;
    Status plugin;
  };
  for (const Row& row : {Row{0, Status::pass, Status::pass}, Row{1, Status::fail, Status::warn},
                         Row{2, Status::fail, Status::fail}, Row{3, Status::fail, Status::unknown},
                         Row{127, Status::fail, Status::unknown}, Row{137, Status::unknown, Status::unknown},
                         Row{255, Status::fail, Status::unknown}}) {
    CAPTURE(row.code);
    check.codes = ExitCodes::plain;
    CHECK(judge_deep(check, {row.code, "", ""}).status == row.plain);
    check.codes = ExitCodes::plugin;
    CHECK(judge_deep(check, {row.code, "", ""}).status == row.plugin);
  }
}

// F55: what a tool says in another language, cut off, or in bytes that are no text is no figure and no order
// to the terminal.
TEST_CASE("deep: a number has a floor; output without one is unknown, whatever it is (F55)") {
  DeepCheck check;
  check.figure = "Avg bus bandwidth";
  check.at_least = "314";
  struct Row {
    const char* out;
    Status status;
    const char* says;
  };
  for (const Row& row :
       {Row{"# Out of bounds values : 0 OK\n# Avg bus bandwidth    : 320.7 \n", Status::pass,
            "it measured 320.7, at least 314 is wanted"},
        Row{"# Avg bus bandwidth : 314", Status::pass, "it measured 314, at least 314 is wanted"},
        Row{"# Avg bus bandwidth : 250.01 GB/s.", Status::fail, "it measured 250.01, less than 314"},
        Row{"# Mittlere Busbandbreite : 320.7", Status::unknown,
            "its output has no number behind 'Avg bus bandwidth'"},
        Row{"# Avg bus band", Status::unknown, "its output has no number behind 'Avg bus bandwidth'"},
        Row{"# Avg bus bandwidth : ", Status::unknown, "its output has no number behind 'Avg bus bandwidth'"},
        Row{"# Avg bus bandwidth : 3.1.4", Status::unknown,
            "its output has no number behind 'Avg bus bandwidth'"},
        Row{"\xff\xfe\x00", Status::unknown, "its output has no number behind 'Avg bus bandwidth'"},
        Row{"", Status::unknown, "its output has no number behind 'Avg bus bandwidth'"}}) {
    CAPTURE(row.out);
    const auto trial = judge_deep(check, {0, row.out, ""});
    CHECK(trial.status == row.status);
    CHECK(trial.says == row.says);
  }
  CHECK(judge_deep(check, {2, "# Avg bus bandwidth : 320.7", ""}).status == Status::fail);
  const auto loud = judge_deep({}, {0, "\x1b[2Jcleared\xff " + std::string(500, 'x'), ""});
  CHECK(loud.says.find('\x1b') == std::string::npos);
  CHECK(loud.says.find('\xff') == std::string::npos);
  CHECK(loud.says.size() < 170);
}

TEST_CASE(
    "deep: a program that does not end is unknown, and is not started a second time while it is there") {
  Node node;
  node.runner.expect("/opt/rocm/bin/rvs -r 2",
                     fail(Why::timed_out, "cannot finish '/opt/rocm/bin/rvs -r 2' within 900 s", ""));
  REQUIRE(node.run({node.profile.deep[0]}));
  CHECK(node.finding(0).status == Status::unknown);
  CHECK(node.finding(0).says == "cannot finish '/opt/rocm/bin/rvs -r 2' within 900 s; run 0 min ago");
  node.tree.file("/proc/4711/cmdline", std::string("/opt/rocm/bin/rvs\0-r\0002\0", 23));
  REQUIRE(node.run({node.profile.deep[0]}));  // the fake runner would fail the test
  CHECK(node.finding(0).says.find("is not started a second time") != std::string::npos);
  node.tree.file("/proc/4711/cmdline", std::string("/opt/rocm/bin/rvs\0-r\0003\0", 23));  // another one
  node.runner.expect("/opt/rocm/bin/rvs -r 2",
                     fail(Why::missing, "cannot run '/opt/rocm/bin/rvs': none", ""));
  REQUIRE(node.run({node.profile.deep[0]}));
  CHECK(node.finding(0).status == Status::unknown);
}

TEST_CASE("deep: two runs at once, and results that nobody can keep or read") {
  Node node;
  {
    node.tree.directory("/run/fettle/collect");
    const auto lock = system::lock_file(node.tree.files(), "/run/fettle/collect/deep.lock", node.clock, 0ms);
    REQUIRE(lock);
    const auto second = node.run(node.profile.deep);
    REQUIRE_FALSE(second);
    CHECK(second.error().why == Why::timed_out);
  }
  const std::string file = facts::collected_file(facts::deep_kind);
  for (const std::string text : {"", "{", R"({"format":2,"checks":[]})",
                                 R"({"format":1,"checks":[{"name":"rvs","status":"pass","says":"x"}]})"}) {
    CAPTURE(text);
    node.tree.file(file, text);
    CHECK(node.finding(0).status == Status::unknown);
  }
}
