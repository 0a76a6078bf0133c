#include "facts/collected.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "facts/kernel_log.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::facts;
using namespace std::chrono_literals;
using fettle::test::Tree;

namespace {

CacheTrial cache_trial() {
  CacheTrial trial;
  trial.stamp = {std::chrono::system_clock::time_point(1764000000s), 1000s, 900s};
  trial.path = "/srv/fettle";
  trial.done = system::WriteBack{4_MiB, 12ms, 3ms, true, {{1_GiB, 4_MiB}}};
  trial.members = 8;
  trial.reached = 8;
  trial.generation = "g1";
  return trial;
}

DriveTrials drive_trials() {
  DriveTrial well{"SN0001", "Drive", "nvme0n1", system::Smart{}, system::ReadTimes{64, 128_KiB, 90us, 1ms},
                  {},       {}};
  well.smart->temperature_celsius = -5;
  well.smart->media_errors = 0xFFFFFFFFFFFFFFFFULL;
  well.first = system::ReadTimes{64, 128_KiB, 80us, 1ms};
  DriveTrial hung{"SN0002",
                  "Drive",
                  "nvme1n1",
                  fail(Why::timed_out, "cannot look", "dmesg"),
                  fail(Why::timed_out, "cannot look", "dmesg"),
                  {},
                  940s};
  return {{std::chrono::system_clock::time_point(1764000000s), 1000s, 2700s}, {well, hung}};
}

CacheUsage cache_usage() {
  CacheUsage usage;
  usage.stamp = {std::chrono::system_clock::time_point(1764000000s), 1000s, 10800s};
  usage.path = "/srv/fettle";
  usage.directories = {
      {"hf", system::Usage{100_GiB, 12, true}, -4096, 1800s},
      {"uv", fail(Why::missing, "cannot read '/srv/fettle/uv': No such file or directory"), {}, 0s}};
  return usage;
}

}  // namespace

TEST_CASE("collected: what is written is read back") {
  Tree tree;
  tree.file(collected_file(cache_kind), pretty_json(to_json(cache_trial())))
      .file(collected_file(drives_kind), pretty_json(to_json(drive_trials())))
      .file(collected_file(usage_kind), pretty_json(to_json(cache_usage())));
  const auto trial = read_cache_trial(tree.files(), 1060s);
  REQUIRE(trial);
  CHECK(to_json(*trial) == to_json(cache_trial()));
  CHECK(trial->done->extents.size() == 1);
  const auto drives = read_drive_trials(tree.files(), 1060s);
  REQUIRE(drives);
  CHECK(to_json(*drives) == to_json(drive_trials()));
  CHECK(drives->drives[0].smart->temperature_celsius == -5);
  CHECK(drives->drives[1].smart.error().why == Why::timed_out);
  CHECK(*drives->drives[1].hangs_since == 940s);
  const auto usage = read_cache_usage(tree.files(), 1060s);
  REQUIRE(usage);
  CHECK(to_json(*usage) == to_json(cache_usage()));
  CHECK(bytes_per_hour(*find(*usage, "hf")) == -8192);
  CHECK_FALSE(bytes_per_hour(*find(*usage, "uv")));
  CHECK(find(*usage, "none") == nullptr);
}

TEST_CASE("collected: older than three rounds is an error that says how old (F46)") {
  Tree tree;
  CHECK(read_cache_trial(tree.files(), 1000s).error().why == Why::missing);
  CHECK(read_cache_trial(tree.files(), 1000s).error().said.find("nothing was collected yet") !=
        std::string::npos);
  tree.file(collected_file(cache_kind), pretty_json(to_json(cache_trial())));
  CHECK(read_cache_trial(tree.files(), 1900s));
  const auto old = read_cache_trial(tree.files(), 1901s);
  REQUIRE_FALSE(old);
  CHECK(old.error().why == Why::timed_out);
  CHECK(old.error().said.find("15 min old") != std::string::npos);
  CHECK_FALSE(old.error().hint.empty());
  // The last look at the uptime may be older than the result.
  CHECK(read_cache_trial(tree.files(), 990s));
  CHECK_FALSE(read_cache_trial(tree.files(), fail(Why::missing, "cannot read '/proc/uptime'")));
}

TEST_CASE("collected: half a result is an error, never a healthy drive") {
  const std::string whole = pretty_json(to_json(drive_trials()));
  REQUIRE(parse_drive_trials(whole));
  for (const char* const key : {"critical_warning", "media_errors", "spare_percent", "temperature_kelvin"}) {
    CAPTURE(key);
    std::string text = whole;
    text.replace(text.find(key), 3, "xyz");
    const auto trials = parse_drive_trials(text);
    REQUIRE(trials);
    CHECK(trials->drives[0].smart.error().why == Why::malformed);
  }
  for (const char* const text :
       {"", "{", "[]", "7", "{\"format\": 2}", "{\"format\": 1}", "{\"format\": \"1\", \"drives\": []}",
        R"({"format": 1, "uptime_seconds": -1, "valid_seconds": 1, "drives": []})",
        R"({"format": 1, "uptime_seconds": 1, "valid_seconds": 1, "drives": {}})",
        R"({"format": 1, "uptime_seconds": 99999999999, "valid_seconds": 1, "drives": []})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_drive_trials(text));
    CHECK_FALSE(parse_cache_trial(text));
    CHECK_FALSE(parse_cache_usage(text));
  }
  const auto odd = parse_drive_trials(
      R"({"format": 1, "uptime_seconds": 1, "valid_seconds": 1, "drives": [null, 7, {"smart": {"error": {}}}]})");
  REQUIRE(odd);
  for (const DriveTrial& trial : odd->drives) CHECK_FALSE(trial.smart);
}

TEST_CASE("collected: the reserve shrinks by what its directory uses already") {
  profile::Profile profile;
  profile.cache.emplace();
  profile.cache->reserve = 10_GiB;
  profile.caches.resize(2);
  profile.caches[0].name = "hf";
  profile.caches[0].reserve = 150_GiB;
  profile.caches[1].name = "uv";
  profile.caches[1].reserve = 20_GiB;
  CHECK(reserve_of(profile, fail(Why::missing, "not measured")) == 180_GiB);
  CHECK(reserve_of(profile, cache_usage()) == 80_GiB);  // hf uses 100 GiB; uv could not be measured
  profile.caches[0].reserve = 50_GiB;
  CHECK(reserve_of(profile, cache_usage()) == 30_GiB);
}

TEST_CASE("collected: what was found in the kernel log is read back, with its gap and its failure") {
  KernelLog log;
  log.stamp = {std::chrono::system_clock::time_point(1764000000s), 1000s, 900s};
  log.boot_id = "b1";
  log.rules = "00ff";
  log.next = 0xFFFFFFFFFFULL;
  log.lost = 7;
  log.lost_uptime = 500s;
  log.error = Error{Why::denied, "cannot read the kernel log", "ask root"};
  log.matches = {{"reset_begin", "0000:27:00.0", 3, 900s, std::chrono::system_clock::time_point(1763999900s)},
                 {"lockup", "", 1, 2s, {}}};
  Tree tree;
  tree.file(collected_file(kernel_log_kind), pretty_json(to_json(log)));
  const auto read = read_kernel_log(tree.files(), 1060s);
  REQUIRE(read);
  CHECK(to_json(*read) == to_json(log));
  CHECK(read->error->why == Why::denied);
  CHECK(read_kernel_log(tree.files(), 1901s).error().why == Why::timed_out);
  CHECK(read_kernel_log(Tree().files(), 1060s).error().why == Why::missing);

  for (const char* const spoilt : {"{}", "[]", "", "{\"format\": 1}"}) {
    CAPTURE(spoilt);
    CHECK_FALSE(parse_kernel_log(spoilt));
  }
  auto object = to_json(log);
  object["matches"] = boost::json::array{boost::json::object{{"rule", "x"}, {"count", -1}}};
  CHECK_FALSE(parse_kernel_log(pretty_json(object)));
  object["matches"] = boost::json::array{};
  object.erase("lost_records");
  CHECK_FALSE(parse_kernel_log(pretty_json(object)));
}

TEST_CASE("collected: the digest of the rules changes with a name or a pattern, and with nothing else") {
  profile::LogRule rule;
  rule.name = "a";
  rule.pattern = "b";
  const std::string before = digest_of({rule});
  CHECK(before.size() == 16);
  rule.advice = "other";
  CHECK(digest_of({rule}) == before);
  rule.pattern = "c";
  CHECK(digest_of({rule}) != before);
  CHECK(digest_of({}) != before);
}
