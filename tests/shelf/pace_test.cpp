// When and how fast a shelf may load: its rate, its hours, its turn in a fleet, its proxy.
#include "shelf/pace.h"

#include <doctest/doctest.h>

#include <set>

#include "shelf/client.h"
#include "shelf/directory_node.h"
#include "shelf/orders.h"
#include "shelf/turn.h"
#include "support/fakes.h"
#include "support/golden.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::FakeClock;
using fettle::test::FakeRunner;
using fettle::test::FolderNode;
using fettle::test::Tree;
using namespace std::chrono_literals;

namespace {

// A minute of a source that brings `step` each second whenever it is not paused; gives what came.
Bytes a_minute(Pace& pace, Bytes step) {
  Bytes done;
  Pace::Moment now{};
  pace.start(done, now);
  for (int second = 0; second < 60; ++second) {
    if (pace.pause(done, now) == 0ms) done += step;
    now += 1s;
  }
  return done;
}

profile::Hours hours(const char* text) {
  const auto parsed = profile::parse_hours(text);
  REQUIRE(parsed);
  CHECK(profile::to_text(*parsed) == text);
  return *parsed;
}

// 2025-11-24 at this time, UTC.
std::chrono::system_clock::time_point at(std::chrono::minutes time) {
  return std::chrono::system_clock::time_point(std::chrono::seconds(1763942400)) + time;
}

// The clock stands at 16:00 UTC.
struct Evening : FolderNode {
  Result<Report> stage_at_four() {
    return shelf::stage({tree.files(), *runner, four}, profile, shelf, options);
  }
  FakeClock four;
};

}  // namespace

TEST_CASE("pace: a fast source comes to its rate, a slow one is never paused, without a rate nobody is") {
  Pace limited(100_MiB);
  const Bytes fast = a_minute(limited, 1_GiB);
  CHECK(fast <= 6000_MiB + 1_GiB);
  CHECK(fast >= 5000_MiB);
  Pace slow(100_MiB);
  CHECK(a_minute(slow, 80_MiB) == 4800_MiB);
  Pace free(Bytes{});
  CHECK(a_minute(free, 10_GiB) == 600_GiB);
}

TEST_CASE("pace: a slow hour gives no credit, and bytes that were thrown away no debt") {
  Pace pace(100_MiB);
  Pace::Moment now{};
  pace.start({}, now);
  now += 1h;
  CHECK(pace.pause(1_MiB, now) == 0ms);
  now += 1s;
  CHECK(pace.pause(1_MiB + 300_MiB, now) == 2000ms);
  now += 1s;
  CHECK(pace.pause(5_MiB, now) == 0ms);  // an unfinished file is gone
  now += 1s;
  CHECK(pace.pause(105_MiB, now) == 0ms);
  // What lay there before a source began is not its own.
  pace.start(500_GiB, now);
  CHECK(pace.pause(500_GiB, now + 1s) == 0ms);
}

TEST_CASE(
    "pace: a source that moves bytes itself waits as long as it must, and no longer than the operator") {
  Tree tree;
  FakeRunner runner;
  FakeClock clock;
  const system::System system{tree.files(), runner, clock};
  const profile::Shelf shelf;
  const Options options;
  const Layout layout{"/srv/fettle/hf"};
  int ticks = 0;
  const Stopped* stop = nullptr;
  const Stopped order{State::held, {}, {}};
  const auto until = clock.steady() + 3100ms;
  const Work work{system,
                  shelf,
                  options,
                  layout,
                  0755,
                  [&] {
                    ++ticks;
                    return Bytes{};
                  },
                  [&] { return stop; },
                  [&] { return std::chrono::ceil<std::chrono::milliseconds>(until - clock.steady()); }};
  REQUIRE(tick_and_pause(work));
  CHECK(clock.steady() == until);
  CHECK(ticks == 17);  // each 200 ms, and the first
  clock.sleep_for(-3100ms);
  stop = &order;
  const auto stopped = tick_and_pause(work);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().why == Why::refused);
  CHECK(clock.steady() < until);
}

TEST_CASE("pace: a client with a rate gets few streams and small buffers whatever the memory") {
  Tree tree;
  FakeRunner runner;
  FakeClock clock;
  const system::System system{tree.files(), runner, clock};
  profile::Shelf shelf;
  const Options options;
  const Layout layout{"/srv/fettle/hf"};
  const Work work{system, shelf, options, layout};
  tree.file("/proc/meminfo", "MemTotal:       1939999999 kB\n");
  CHECK(client_environment(work).count("HF_XET_FIXED_DOWNLOAD_CONCURRENCY") == 0);
  shelf.rate = 100_MiB;
  auto env = client_environment(work);
  CHECK(env["HF_XET_HIGH_PERFORMANCE"] == "0");
  CHECK(env["HF_XET_FIXED_DOWNLOAD_CONCURRENCY"] == "4");
  CHECK(env["HF_XET_RECONSTRUCTION_DOWNLOAD_BUFFER_LIMIT"] == "2gb");
}

TEST_CASE("pace: a proxy is told to the client in both spellings, and to nobody without one") {
  Tree tree;
  FakeRunner runner;
  FakeClock clock;
  const system::System system{tree.files(), runner, clock};
  profile::Shelf shelf;
  const Options options;
  const Layout layout{"/srv/fettle/hf"};
  const Work work{system, shelf, options, layout};
  for (const auto& [name, value] : client_environment(work)) {
    CAPTURE(name);
    CHECK(name.find("proxy") == std::string::npos);
    CHECK(name.find("PROXY") == std::string::npos);
  }
  shelf.proxy = "http://proxy:3128";
  shelf.no_proxy = {"localhost", ".example"};
  auto env = client_environment(work);
  for (const char* name : {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"})
    CHECK(env[name] == "http://proxy:3128");
  for (const char* name : {"no_proxy", "NO_PROXY"}) CHECK(env[name] == "localhost,.example");
}

TEST_CASE("pace: hours are a window of the day, also over midnight") {
  struct Row {
    const char* window;
    std::chrono::minutes now;
    std::chrono::seconds rest;
  };
  for (const Row& row :
       {Row{"22:00-06:00", 16h, 6h}, Row{"22:00-06:00", 22h, 0s}, Row{"22:00-06:00", 23h + 59min, 0s},
        Row{"22:00-06:00", 0min, 0s}, Row{"22:00-06:00", 5h + 59min, 0s}, Row{"22:00-06:00", 6h, 16h},
        Row{"01:30-02:00", 1h + 29min, 60s}, Row{"01:30-02:00", 1h + 45min, 0s},
        Row{"01:30-02:00", 2h, 23h + 30min}, Row{"00:00-23:59", 23h + 59min, 60s}}) {
    CAPTURE(row.window);
    CAPTURE(row.now.count());
    CHECK(profile::until_open(hours(row.window), at(row.now)) == row.rest);
  }
  for (const char* wrong : {"", "22:00", "22:00-6:00", "24:00-06:00", "22:60-06:00", "22:00-22:00",
                            "22:00 06:00", "aa:bb-cc:dd", "22:00-06:000"}) {
    CAPTURE(wrong);
    CHECK_FALSE(profile::parse_hours(wrong));
  }
}

TEST_CASE(
    "pace: outside of its hours a shelf is held with that reason and the time, inside it becomes ready") {
  Evening node;
  node.shelf.hours = hours("22:00-06:00");
  const auto report = node.stage_at_four();
  REQUIRE(report);
  CHECK(report->state == State::held);
  REQUIRE(report->error);
  CHECK(report->error->said == "cannot go on with 'tiny': it may only fetch in its hours, 22:00-06:00 UTC");
  REQUIRE(report->retry_at);
  CHECK(*report->retry_at == node.four.now() + 6h);
  CHECK_FALSE(*node.tree.files().exists(node.of("o/n", "/blobs")));
  node.shelf.hours = hours("15:00-17:00");
  CHECK(node.stage_at_four()->state == State::ready);
  // What is here needs no hour: a node that boots by day serves what it has.
  node.shelf.hours = hours("22:00-06:00");
  CHECK(node.stage_at_four()->state == State::ready);
}

TEST_CASE("pace: hours that end in the middle of a copy hold the rest") {
  Evening node;
  node.shelf.hours = hours("15:00-16:30");
  node.options.published = [&](const Report& now) {
    if (now.state == State::fetching && node.four.steady().time_since_epoch() < 1h) node.four.sleep_for(2h);
  };
  const auto report = node.stage_at_four();
  REQUIRE(report);
  CHECK(report->state == State::held);
  CHECK(report->error->said.find("15:00-16:30 UTC") != std::string::npos);
  CHECK_FALSE(*node.tree.files().exists(node.of("o/n", "/refs/main")));
}

TEST_CASE("turn: one machine has one turn, different machines different ones, none beyond the limit") {
  Tree tree;
  profile::Shelf shelf;
  shelf.name = "tiny";
  shelf.jitter_seconds = 600;
  CHECK(turn_of(tree.files(), shelf) == 0s);  // no id: nothing to go by
  std::set<std::chrono::seconds> turns;
  for (int machine = 0; machine < 100; ++machine) {
    std::string id = std::to_string(machine);
    id.insert(0, 32 - id.size(), 'a');
    tree.file("/etc/machine-id", id + "\n");
    const auto turn = turn_of(tree.files(), shelf);
    CHECK(turn >= 0s);
    CHECK(turn < 600s);
    CHECK(turn == turn_of(tree.files(), shelf));
    turns.insert(turn);
  }
  CHECK(turns.size() > 80);
  const auto whole = turn_of(tree.files(), shelf);
  REQUIRE(whole > 2s);
  CHECK(until_turn(tree.files(), shelf) == 0s);  // nobody knows how long it runs
  tree.file("/proc/uptime", "2.50 9.00\n");
  CHECK(until_turn(tree.files(), shelf) == whole - 2s);
  tree.file("/proc/uptime", "4000.00 9.00\n");
  CHECK(until_turn(tree.files(), shelf) == 0s);
  shelf.jitter_seconds = 0;
  CHECK(turn_of(tree.files(), shelf) == 0s);
}

TEST_CASE("turn: the rule is the one that bench/fleet.py counts with") {
  Tree tree;
  std::string page;
  for (const char* const name : {"tiny", "frontier"}) {
    for (const unsigned jitter : {60U, 600U, 3600U}) {
      for (char machine = '0'; machine < '4'; ++machine) {
        const std::string id(32, machine);
        profile::Shelf shelf;
        shelf.name = name;
        shelf.jitter_seconds = jitter;
        tree.file("/etc/machine-id", id + "\n");
        page += id + " " + name + " " + std::to_string(jitter) + " " +
                std::to_string(turn_of(tree.files(), shelf).count()) + "\n";
      }
    }
  }
  test::check_golden("shelf-turns.txt", page);
}

TEST_CASE("turn: the source is not asked before it, and status says why; the operator need not wait for it") {
  Evening node;
  node.shelf.jitter_seconds = 3600;
  node.tree.file("/etc/machine-id", std::string(32, 'b')).file("/proc/uptime", "1.00 1.00\n");
  const auto rest = until_turn(node.tree.files(), node.shelf);
  REQUIRE(rest > 10s);
  std::string said;
  node.options.published = [&](const Report& now) {
    if (now.state == State::wanted && now.error) said = now.error->said;
  };
  const auto report = node.stage_at_four();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  CHECK_FALSE(report->error);
  CHECK(node.four.steady().time_since_epoch() >= rest);
  CHECK(said == "'tiny' begins " + std::to_string(rest.count()) +
                    " s later: each node of the fleet has its own turn after its boot");
  // All is here: nothing is asked, nothing waited for.
  const auto before = node.four.steady();
  CHECK(node.stage_at_four()->state == State::ready);
  CHECK(node.four.steady() == before);

  Evening other;
  other.shelf.jitter_seconds = 3600;
  other.tree.file("/etc/machine-id", std::string(32, 'b')).file("/proc/uptime", "1.00 1.00\n");
  other.options.published = [&](const Report& now) {
    if (now.error) (void)give_order(other.machine(), "tiny", Order::hold);
  };
  const auto held = other.stage_at_four();
  REQUIRE(held);
  CHECK(held->state == State::held);
  CHECK(other.four.steady().time_since_epoch() < 5s);
}

TEST_CASE(
    "pace: the client is paused while it was too fast, which is no stall, and loads two files at a time") {
  // Asks as often as the test wants, and lets time pass between.
  struct AskingRunner final : system::Runner {
    Result<system::Completed> run(const system::Command&) override {
      return system::Completed{0, R"({"version": "1.23.0"})", ""};
    }
    Result<system::Completed> run_watched(const system::Command& command,
                                          const std::function<system::Verdict()>& watch) override {
      line = system::to_text(command);
      for (int i = 0; i < 6; ++i) {
        verdicts.push_back(watch());
        if (verdicts.back() == system::Verdict::stop)
          return fail(Why::refused, "cannot finish: it was stopped on request");
        clock->sleep_for(100s);
      }
      return system::Completed{};
    }
    FakeClock* clock = nullptr;
    std::string line;
    std::vector<system::Verdict> verdicts;
  };
  Tree tree;
  tree.file("/usr/bin/hf");
  FakeClock clock;
  AskingRunner runner;
  runner.clock = &clock;
  const system::System system{tree.files(), runner, clock};
  profile::Shelf shelf;
  shelf.rate = 100_MiB;
  const Options options;
  const Layout layout{"/srv/fettle/hf"};
  int asked = 0;
  const Work work{system,
                  shelf,
                  options,
                  layout,
                  0755,
                  [] { return Bytes{}; },
                  []() -> const Stopped* { return nullptr; },
                  [&] { return ++asked <= 3 ? 5000ms : 0ms; }};
  const auto source = make_hub_source(work);
  const Manifest manifest{"o/n", FolderNode::commit, "main", {}};
  const std::vector<File> missing{{"model.safetensors", 1_GiB, std::string(64, 'a')}};
  const auto done = source->fetch(manifest, {}, missing, Part::all);
  REQUIRE_FALSE(done);
  CHECK(done.error().error.said.find("no byte came for 180 s") != std::string::npos);
  CHECK(runner.line.find("--max-workers 2") != std::string::npos);
  using system::Verdict;
  // 300 s paused, then 180 s without a byte; the second attempt, without xet, ends the same way.
  CHECK(runner.verdicts == std::vector{Verdict::pause, Verdict::pause, Verdict::pause, Verdict::go_on,
                                       Verdict::stop, Verdict::go_on, Verdict::go_on, Verdict::stop});
}
