#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/dialect.h"
#include "engine/findings.h"
#include "env/findings.h"
#include "health/checks.h"
#include "health/explain.h"
#include "shelf/explain.h"
#include "storage/explain.h"
#include "storage/report.h"
#include "storage/trials.h"
#include "support/fakes.h"
#include "support/golden.h"
#include "support/source.h"
#include "support/tree.h"

using namespace fettle;
using cli::Dialect;
using fettle::test::Tree;

namespace {

struct Answer {
  int code = 0;
  std::string out;
  std::string err;
};

Answer run(const Tree& tree, const std::vector<std::string>& arguments,
           cli::Format format = cli::Format::text) {
  test::FakeRunner runner;
  test::FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  cli::Context context{{tree.files(), runner, clock}, format, out, err};
  const int code = cli::run_check(context, arguments);
  return {code, out.str(), err.str()};
}

// A captured machine with the package's profiles, up for a day.
void prepare(Tree& tree) {
  tree.directory("/usr/share/fettle");
  std::filesystem::copy(test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
                        std::filesystem::copy_options::recursive);
  tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: mi300x\n");
  tree.file("/proc/uptime", "86400.00 1.00\n");
}

Findings findings_of(std::initializer_list<Status> statuses) {
  Findings findings;
  int number = 0;
  for (const Status status : statuses)
    findings.push_back(
        {"a." + std::to_string(number++), "title", {status, "is " + std::string(to_text(status)), "do"}, {}});
  return findings;
}

NamedFinding no_space() {
  return storage::space_finding(fail(Why::missing, "none"), {}, {}, {});
}

}  // namespace

TEST_CASE("cli check: the exit codes of every dialect are those that its readers know") {
  struct Row {
    Dialect dialect;
    std::array<int, 5> codes;  // pass, not_applicable, warn, unknown, fail
  };
  for (const Row& row : {
           Row{Dialect::plain, {0, 0, 1, 3, 2}},
           Row{Dialect::json, {0, 0, 1, 3, 2}},
           Row{Dialect::nagios, {0, 0, 1, 3, 2}},
           Row{Dialect::npd, {0, 0, 0, 2, 1}},
           Row{Dialect::nhc, {0, 0, 0, 1, 1}},
       }) {
    std::size_t at = 0;
    for (const Status status :
         {Status::pass, Status::not_applicable, Status::warn, Status::unknown, Status::fail}) {
      CHECK(cli::exit_code(row.dialect, status) == row.codes.at(at++));
    }
    CHECK(cli::exit_code(row.dialect, worst({})) != 0);  // nothing was looked at
  }
  CHECK(cli::dialects.size() == 5);
}

TEST_CASE("cli check: each monitor gets its text, the worst first") {
  const Findings mixed =
      findings_of({Status::pass, Status::warn, Status::fail, Status::unknown, Status::not_applicable});
  CHECK(cli::print(Dialect::nagios, mixed) ==
        "FETTLE CRITICAL - a.2: is fail (and 2 more) | fail=1 warn=1 unknown=1 pass=1\n"
        "CRITICAL a.2: is fail\n"
        "UNKNOWN a.3: is unknown\n"
        "WARNING a.1: is warn\n");
  CHECK(cli::print(Dialect::npd, mixed) == "a.2: is fail\n");
  CHECK(cli::print(Dialect::nhc, mixed) == "fettle a.2: is fail\nfettle a.3: is unknown\n");
  const Findings well = findings_of({Status::pass, Status::pass});
  CHECK(cli::print(Dialect::nagios, well) ==
        "FETTLE OK - 2 checks, all well | fail=0 warn=0 unknown=0 pass=2\n");
  CHECK(cli::print(Dialect::npd, well) == "2 checks, all well\n");
  CHECK(cli::print(Dialect::nhc, well).empty());
  CHECK(cli::print(Dialect::npd, {}) == "nothing was looked at\n");
  // What a machine says of itself must not look like figures or like another line.
  const Findings hostile = {{"a", "t", {Status::fail, "x | fail=0\nFETTLE OK", ""}, {}}};
  CHECK(cli::print(Dialect::nagios, hostile).find("a: x   fail=0 FETTLE OK | fail=1") != std::string::npos);
}

TEST_CASE("cli check: single checks and groups by name, in every dialect") {
  Tree tree("baremetal-spx");
  tree.overlay("ras-umc-uncorrectable");
  prepare(tree);
  CHECK(run(tree, {}).code == 2);
  CHECK(run(tree, {"gpu"}).code == 0);
  CHECK(run(tree, {"gpu"}).out.find("7 checks: 7 pass") != std::string::npos);
  CHECK(run(tree, {"ras.pages", "ras.bus"}).code == 0);
  CHECK(run(tree, {"ras"}).code == 2);
  CHECK(run(tree, {"--as", "npd", "ras"}).code == 1);
  CHECK(run(tree, {"--as", "npd", "ras"}).out == "ras.errors: 0000:05:00.0: 1 uncorrectable error in umc\n");
  CHECK(run(tree, {"--as", "nhc"}).code == 1);
  CHECK(run(tree, {"--as", "nagios", "gpu"}).out.starts_with("FETTLE OK - 7 checks, all well |"));
  const auto json = parse_json(run(tree, {"--as", "json", "ras.errors"}).out, "the answer");
  REQUIRE(json);
  CHECK(json_text(*json, "status") == "fail");
  CHECK(json_field(*json, "checks")->as_array().size() == 1);
  for (const char* const wrong : {"gp", "gpu.", "gpu.counts", "", "*"}) {
    CAPTURE(wrong);
    CHECK(run(tree, {wrong}).code == 64);
  }
  CHECK(run(tree, {"--as", "icinga"}).code == 64);
}

TEST_CASE("cli check: without a configuration every monitor is told unknown on its first line") {
  const Tree tree("baremetal-spx");
  CHECK(run(tree, {}).code == 3);
  CHECK(run(tree, {"--as", "nagios"}).code == 3);
  CHECK(run(tree, {"--as", "nagios"}).out.starts_with("FETTLE UNKNOWN - config: "));
  CHECK(run(tree, {"--as", "npd"}).code == 2);
  CHECK(run(tree, {"--as", "nhc"}).code == 1);
}

TEST_CASE("cli check: every check is explained: what it reads, why it matters, what to do") {
  const Tree tree;  // needs neither node nor configuration
  std::vector<std::string> ids;
  for (const health::Check& check : health::checks()) ids.emplace_back(check.id);
  for (const auto& findings :
       {storage::findings(fail(Why::missing, "none"), {}, {}, {}),
        storage::trial_findings({}, fail(Why::missing, "none"), {}, {}), Findings{no_space()}}) {
    for (const NamedFinding& named : findings) ids.push_back(named.id);
  }
  ids.insert(ids.end(), {"shelf.tiny", "shelf.store", "cache.consumers", "cache.places"});
  CHECK(ids.size() > 40);
  for (const std::string& id : ids) {
    CAPTURE(id);
    const Answer answer = run(tree, {"--explain", id}, cli::Format::json);
    REQUIRE(answer.code == 0);
    const auto told = parse_json(answer.out, "the answer");
    REQUIRE(told);
    CHECK(json_text(*told, "reads").size() > 20);
    CHECK(json_text(*told, "why").size() > 40);
    CHECK(json_text(*told, "advice").size() > 40);
  }
  CHECK(run(tree, {"--explain", "gpu.colour"}).code == 64);
  CHECK(run(tree, {"--explain", "ras.pages"}).out.find("\nto do    ") != std::string::npos);
  CHECK(run(tree, {"--list"}).out.find("ras.pages") != std::string::npos);
}

TEST_CASE("cli check: deep checks are named by the profile, and explained from it") {
  Tree tree("baremetal-spx");
  prepare(tree);
  const Answer none = run(tree, {"--deep", "colour"});
  CHECK(none.code == 64);
  CHECK(none.err.find("it has: rocminfo, rvs-level-2, rvs-level-4") != std::string::npos);
  CHECK(run(tree, {"--deep", "rocminfo", "colour"}).code == 64);
  const Answer told = run(tree, {"--explain", "deep.rvs-level-2"});
  CHECK(told.code == 0);
  CHECK(
      told.out.find("what `/opt/rocm/bin/rvs -r 2` ends with; only when somebody asks, and for 168 hours") !=
      std::string::npos);

  test::FakeRunner runner;
  runner.expect("/opt/rocm/bin/rocminfo", system::Completed{0, "*** Done ***\n", ""});
  test::FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  cli::Context context{{tree.files(), runner, clock}, cli::Format::text, out, err};
  CHECK(cli::run_check(context, {"--deep", "deep.rocminfo", "--as", "nagios"}) == 0);
  CHECK(out.str().starts_with("FETTLE OK - 1 check, all well"));
  CHECK(err.str() == "running rocminfo, for 60 s at most\n");

  // What it came to is a finding of the next look too, until it is too old.
  const Answer later = run(tree, {"deep"});
  CHECK(later.code == 0);
  CHECK(later.out.find("pass     deep.rocminfo") != std::string::npos);
  CHECK(later.out.find("; run 0 min ago\n") != std::string::npos);
  CHECK(later.out.find("n/a      deep.rvs-level-2") != std::string::npos);
  CHECK(run(tree, {"--list"}).out.find("deep.rvs-level-4") != std::string::npos);
  tree.file("/proc/uptime", "864000.00 1.00\n");
  const Answer stale = run(tree, {"deep.rocminfo"});
  CHECK(stale.code == 3);
  CHECK(stale.out.find("unknown  deep.rocminfo") != std::string::npos);
  CHECK(stale.out.find("it was last run ") != std::string::npos);
}

TEST_CASE("cli check: docs/findings.md is what the program says of its findings") {
  std::string page =
      "# Findings\n\nWhat each finding of `fettle check`, `fettle status` and `/v1/health` reads, why it "
      "matters and "
      "what to do:\nthe text of `fettle check --explain ID`. Settings of the host (`host.NAME`) are "
      "explained "
      "from the profile.\nThis page is written by the tests; do not edit it.\n";
  for (const auto explanations : {health::explanations(), storage::explanations(), shelf::explanations(),
                                  engine::explanations(), env::explanations()}) {
    for (const Explanation& one : explanations) {
      page += "\n## `" + std::string(one.id) + "`\n\n**Reads** " + std::string(one.reads) + ".\n\n" +
              std::string(one.why) + "\n\n**To do:** " + std::string(one.advice) + "\n";
    }
  }
  test::check_golden("../../docs/findings.md", page);
}
