#include "health/kernel_log.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <string>

#include "base/pattern.h"
#include "base/text.h"
#include "health/shipped.h"
#include "support/source.h"

using namespace fettle;
using namespace fettle::health;
using namespace std::chrono_literals;
using facts::Facts;
using facts::LogMatch;
using profile::LogRule;
using profile::LogSubject;
using profile::LogWeight;
using profile::Profile;

namespace {

using Look = Finding (*)(const Facts&, const Profile&);
const std::map<LogSubject, Look> looks{{LogSubject::gpu, &log_gpu},
                                       {LogSubject::ras, &log_ras},
                                       {LogSubject::bus, &log_bus},
                                       {LogSubject::storage, &log_storage},
                                       {LogSubject::host, &log_host}};

const Profile& shipped() {
  static const Profile profile = test::shipped_profile();
  return profile;
}

// Up for two days, with these lines in its log.
Facts facts_with(std::vector<LogMatch> matches) {
  Facts facts;
  facts.uptime = 172800s;
  facts.kernel_log = test::quiet_kernel_log();
  facts.kernel_log->matches = std::move(matches);
  return facts;
}

LogMatch match(const std::string& rule, const std::string& device = "0000:27:00.0", std::uint64_t count = 1,
               std::chrono::seconds at = 172000s) {
  return {rule, device, count, at, {}};
}

}  // namespace

TEST_CASE("health: each recorded line of the kernel is matched by its rule and by no other") {
  std::map<std::string, Pattern> patterns;
  for (const LogRule& rule : shipped().log_rules) {
    auto pattern = Pattern::compile(rule.pattern);
    REQUIRE(pattern);
    patterns.emplace(rule.name, std::move(*pattern));
  }
  const auto matching = [&](std::string_view line) {
    std::string names;
    for (const auto& [name, pattern] : patterns) {
      if (pattern.matches(line)) names += (names.empty() ? "" : " ") + name;
    }
    return names.empty() ? "-" : names;
  };
  std::ifstream in(test::tests_dir() / "health" / "kernel-log-lines.tsv");
  std::size_t count = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto tab = line.find('\t');
    REQUIRE(tab != std::string::npos);
    CAPTURE(line);
    CHECK(matching(std::string_view(line).substr(tab + 1)) == line.substr(0, tab));
    ++count;
  }
  CHECK(count >= 30);
  for (const LogRule& rule : shipped().log_rules) {
    CAPTURE(rule.name);
    CHECK(matching(rule.example) == rule.name);
  }
}

TEST_CASE(
    "health: each shipped rule passes without its line, says what it means with it, unknown when unread") {
  for (const LogRule& rule : shipped().log_rules) {
    CAPTURE(rule.name);
    const Look look = looks.at(rule.about);
    CHECK(look(facts_with({}), shipped()).status == Status::pass);
    CHECK(look(facts_with({}), shipped()).says == "nothing of it");
    const Finding found = look(facts_with({match(rule.name)}), shipped());
    CHECK(found.status == (rule.severity == LogWeight::error     ? Status::fail
                           : rule.severity == LogWeight::warning ? Status::warn
                                                                 : Status::pass));
    CHECK(found.says == "0000:27:00.0: " + rule.means);
    CHECK(found.hint == (rule.severity == LogWeight::note ? "" : rule.advice));
    CHECK(look(Facts{}, shipped()).status == Status::unknown);
  }
}

TEST_CASE("health: of several lines the worst is told first, each once, with its devices and its number") {
  const Finding finding =
      log_gpu(facts_with({match("page_fault", "0000:05:00.0", 40), match("page_fault", "0000:27:00.0", 2),
                          match("reset_begin"), match("runlist_oversubscribed"), match("throttled", "", 3)}),
              shipped());
  CHECK(finding.status == Status::fail);
  CHECK(finding.says ==
        "0000:27:00.0: the driver reset the GPU, and what ran on it is lost; on 2 devices: a program read or "
        "wrote memory of the GPU that is not its own (42 lines); the GPU slowed itself down (3 lines); and 1 "
        "more");
  CHECK(log_ras(facts_with({match("reset_begin")}), shipped()).status == Status::pass);
}

TEST_CASE("health: a line counts for as many hours as its rule says, or until the next boot") {
  CHECK(log_gpu(facts_with({match("reset_begin", "", 1, 172800s - 24h)}), shipped()).status == Status::fail);
  CHECK(log_gpu(facts_with({match("reset_begin", "", 1, 172800s - 24h - 1s)}), shipped()).status ==
        Status::pass);
  CHECK(log_gpu(facts_with({match("reset_failed", "", 1, 1s)}), shipped()).status == Status::fail);
  Facts no_clock = facts_with({match("reset_begin", "", 1, 1s)});
  no_clock.uptime = fail(Why::missing, "gone");
  CHECK(log_gpu(no_clock, shipped()).status == Status::fail);
}

TEST_CASE("health: a log that was not read as a whole is unknown, unless what was read is bad enough") {
  struct Row {
    const char* name;
    void (*spoil)(Facts&);
    const char* says;
  };
  for (const Row& row : {
           Row{"failed",
               [](Facts& f) {
                 f.kernel_log->error = Error{Why::denied, "cannot read the kernel log", ""};
               },
               "cannot read the kernel log"},
           Row{"boot",
               [](Facts& f) {
                 f.kernel_log->boot_id = "b1";
                 f.identity = facts::Identity{"m", "", "b2"};
               },
               "the last look at the kernel log was of another boot"},
           Row{"rules", [](Facts& f) { f.kernel_log->rules = "0"; },
               "the kernel log was not looked at with these rules yet"},
           Row{"behind", [](Facts& f) { f.kernel_log->is_behind = true; },
               "the kernel writes more into its log than one look takes"},
           Row{"gap",
               [](Facts& f) {
                 f.kernel_log->lost = 812;
                 f.kernel_log->lost_uptime = 172800s - 24h;
               },
               "812 records of the kernel log dropped before anybody could read it"},
           Row{"gap without a clock",
               [](Facts& f) {
                 f.kernel_log->lost = 1;
                 f.kernel_log->lost_uptime = 1s;
                 f.uptime = fail(Why::missing, "gone");
               },
               "1 record of the kernel log dropped before anybody could read it"},
       }) {
    CAPTURE(row.name);
    Facts quiet = facts_with({});
    row.spoil(quiet);
    for (const auto& [about, look] : looks) {
      CHECK(look(quiet, shipped()).status == Status::unknown);
      CHECK(look(quiet, shipped()).says == row.says);
    }
    Facts noted = facts_with({match("ras_corrected")});
    row.spoil(noted);
    CHECK(log_ras(noted, shipped()).status == Status::unknown);
    Facts bad = facts_with({match("reset_failed")});
    row.spoil(bad);
    CHECK(log_gpu(bad, shipped()).status == Status::fail);
  }
  Facts long_ago = facts_with({});
  long_ago.kernel_log->lost = 812;
  long_ago.kernel_log->lost_uptime = 172800s - 24h - 1s;
  CHECK(log_gpu(long_ago, shipped()).status == Status::pass);
}

TEST_CASE("health: the log of GPUs that nobody asks for, and what no rule watches for, are not applicable") {
  Profile without = shipped();
  without.gpus.reset();
  CHECK(log_gpu(facts_with({}), without).status == Status::not_applicable);
  CHECK(log_ras(facts_with({}), without).status == Status::not_applicable);
  CHECK(log_host(facts_with({}), without).status == Status::pass);
  CHECK(log_host(Facts{}, Profile{}).status == Status::not_applicable);
}
