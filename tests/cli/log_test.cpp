#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "cli/commands.h"
#include "cli/served_node.h"
#include "serve/inputs.h"
#include "support/fakes.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::cli;

namespace {

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
  std::vector<std::string> argv;  // of journalctl; empty when it was not run
};

Ran run(const std::vector<std::string>& arguments, const Result<system::Completed>* answer,
        Format format = Format::text) {
  test::Tree tree;
  test::FakeClock clock;
  test::FakeRunner runner;
  if (answer != nullptr) runner.expect("/usr/bin/journalctl --no-pager", *answer);
  std::ostringstream out;
  std::ostringstream err;
  Context context{{tree.files(), runner, clock}, format, out, err};
  Ran ran;
  ran.code = run_log(context, arguments);
  ran.out = out.str();
  ran.err = err.str();
  if (!runner.ran.empty()) ran.argv = runner.ran.front().argv;
  return ran;
}

bool has(const Ran& ran, const std::string& word) {
  return std::find(ran.argv.begin(), ran.argv.end(), word) != ran.argv.end();
}

}  // namespace

TEST_CASE("log: all units of this boot, unless somebody asks for something else") {
  const Result<system::Completed> lines = system::Completed{0, "2026-11-24 fettled: started\n", ""};
  const Ran plain = run({}, &lines);
  CHECK(plain.code == 0);
  CHECK(plain.out == "2026-11-24 fettled: started\n");
  CHECK(plain.err.empty());
  for (const char* const word : {"--boot", "--unit=fettled.service", "--unit=fettle-*", "--lines=200",
                                 "--output=short-iso", "--quiet"}) {
    CAPTURE(word);
    CHECK(has(plain, word));
  }
  const Ran other = run({"fettle-stage@tiny", "--since", "1 hour ago", "--priority", "error", "--lines", "5"},
                        &lines, Format::json);
  for (const char* const word :
       {"--since=1 hour ago", "--unit=fettle-stage@tiny", "--priority=err", "--lines=5", "--output=json"}) {
    CAPTURE(word);
    CHECK(has(other, word));
  }
  CHECK_FALSE(has(plain, "--follow"));
  CHECK(has(run({"--follow"}, &lines), "--follow"));
  CHECK_FALSE(has(other, "--boot"));
  CHECK_FALSE(has(other, "--unit=fettled.service"));
  // A captured machine has its own journal, or none: never that of this one.
  CHECK(std::any_of(plain.argv.begin(), plain.argv.end(),
                    [](const std::string& word) { return word.starts_with("--root=/"); }));
}

TEST_CASE("log: what is no wish, or cannot be read, ends in advice") {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"sshd"},
                                             {"fettled --vacuum-time=1s"},
                                             {"--priority", "loud"},
                                             {"--lines", "0"},
                                             {"--lines", "x"}}) {
    const Ran ran = run(words, nullptr);
    CHECK(ran.code == 64);
    CHECK(ran.argv.empty());
  }
  const Result<system::Completed> nothing = system::Completed{};
  const Ran quiet = run({}, &nothing);
  CHECK(quiet.code == 0);
  CHECK(quiet.out.empty());
  CHECK(quiet.err.find("looks further back") != std::string::npos);
  const Result<system::Completed> refused = system::Completed{1, "", "No journal files were opened\n"};
  const Ran denied = run({}, &refused);
  CHECK(denied.code == 2);
  CHECK(denied.err.find("cannot read the journal: No journal files were opened\n") != std::string::npos);
  CHECK(denied.err.find("fettle events") != std::string::npos);
  const Result<system::Completed> gone = fail(Why::missing, "cannot run '/usr/bin/journalctl'");
  CHECK(run({}, &gone).code == 2);
}

TEST_CASE("log: its level is changed in the daemon, and only there") {
  test::ServedNode node(test::ready_node());
  CHECK(node.run(&run_log, {"--level", "debug"}) == 0);
  CHECK(node.out.str() == "the daemon tells from debug on, until it is restarted\n");
  CHECK(node.log_levels == std::vector<std::string>{"debug"});
  CHECK(node.run(&run_log, {"--level", "loud"}) == 64);
  CHECK(node.run(&run_log, {"--level", "debug", "--lines", "5"}) == 64);
  CHECK(node.log_levels.size() == 1);
  test::ServedNode silent;
  CHECK(silent.run(&run_log, {"--level", "debug"}) == 69);
}
