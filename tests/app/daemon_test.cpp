#include "app/daemon.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/json.h"
#include "base/names.h"
#include "serve/raw_client.h"
#include "support/fakes.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::app;

namespace {

profile::Loaded good(const std::string& name) {
  profile::Profile wanted;
  wanted.name = name;
  return {wanted, {}};
}

profile::Loaded bad() {
  return {std::nullopt, {{"/etc/fettle/fettle.yaml", 4, 1, "unknown key 'shelvs'", "known here: shelves"}}};
}

// A daemon with a look that a test can hold up, and a client that asks it.
class Node {
 public:
  Node() {
    rooms.load = [this] {
      const std::lock_guard hold(mutex_);
      return loaded_;
    };
    rooms.look = [this](const profile::Profile& wanted, Depth) {
      std::unique_lock hold(mutex_);
      ++looks_;
      changed_.notify_all();
      changed_.wait(hold, [this] { return !held_; });
      if (throws_) throw std::runtime_error("a defect");
      serve::Inputs inputs;
      inputs.profile = wanted.name;
      inputs.findings = {{"cache.mounted", "cache", {Status::pass, "mounted", {}}, {}}};
      inputs.shelves = shelves_;
      inputs.taken_at = clock.now();
      inputs.taken_steady = clock.steady();
      return inputs;
    };
  }
  ~Node() { stop(); }

  profile::Complaints start(Times times = {}) {
    auto sockets = serve::open_sockets(tree.files());
    REQUIRE(sockets);
    loop.emplace();
    daemon.emplace(*loop, clock, log, rooms, times);
    auto complaints = daemon->start(std::move(*sockets), {});
    thread_ = std::thread([this] { loop->run(); });
    return complaints;
  }

  void stop() {
    hold(false);
    if (!thread_.joinable()) return;
    boost::asio::post(*loop, [this] { daemon->stop(); });
    thread_.join();
    daemon.reset();
    loop.reset();  // what waited there holds the sockets
  }

  void reload(profile::Loaded next) {
    {
      const std::lock_guard hold(mutex_);
      loaded_ = std::move(next);
    }
    boost::asio::post(*loop, [this] { daemon->reload(); });
  }

  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }

  void want(std::vector<serve::Shelf> shelves) {
    const std::lock_guard lock(mutex_);
    shelves_ = std::move(shelves);
  }

  void throw_next() {
    const std::lock_guard lock(mutex_);
    throws_ = true;
  }

  void wait_for_look(int number) {
    std::unique_lock hold(mutex_);
    REQUIRE(changed_.wait_for(hold, std::chrono::seconds(30), [&] { return looks_ >= number; }));
  }

  boost::json::value status() { return get("/v1/status"); }
  boost::json::value get(const std::string& path) {
    test::RawClient client(tree.files(), names::status_socket);
    const std::string reply = client.ask("GET " + path + " HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n");
    REQUIRE(reply.find("\r\n\r\n") != std::string::npos);
    return *parse_json(reply.substr(reply.find("\r\n\r\n") + 4), "the answer");
  }

  // How much of the shelf was there, look by look.
  std::vector<std::uint64_t> growth(const std::string& shelf) {
    std::vector<std::uint64_t> all;
    const auto answer = get("/v1/shelves/" + shelf);
    for (const auto& sample : json_list(answer, "history")) all.push_back(json_count(sample, "done_bytes"));
    return all;
  }

  // Asks until the answer fits; the last answer when it never does.
  boost::json::value status_until(const std::function<bool(const boost::json::value&)>& fits) {
    boost::json::value last = status();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!fits(last) && std::chrono::steady_clock::now() < end) last = status();
    CHECK(fits(last));
    return last;
  }

  test::Tree tree;
  system::RealClock clock;
  Log log{Log::Goes::to_stderr, Level::error};
  std::optional<boost::asio::io_context> loop;  // of this start
  Rooms rooms;
  std::optional<Daemon> daemon;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  profile::Loaded loaded_ = good("first");
  std::vector<serve::Shelf> shelves_;
  bool held_ = false;
  bool throws_ = false;
  int looks_ = 0;
  std::thread thread_;
};

std::string finding(const boost::json::value& status, std::string_view id) {
  for (const auto& each : json_field(status, "findings")->as_array()) {
    if (json_text(each, "id") == id) return json_text(each, "status") + ": " + json_text(each, "says");
  }
  return {};
}

std::string profile_of(const boost::json::value& status) {
  return json_text(*json_field(status, "profile"), "name");
}

}  // namespace

TEST_CASE("daemon: a bad configuration at the start is given back, and nothing runs") {
  Node node;
  node.rooms.load = [] { return bad(); };
  const auto complaints = node.start();
  REQUIRE(complaints.size() == 1);
  CHECK(complaints[0].line == 4);
}

TEST_CASE("daemon: a bad reload keeps the last good configuration and says so; a good one replaces it") {
  Node node;
  REQUIRE(node.start().empty());
  CHECK(json_text(node.status(), "state") == "ready");
  node.reload(bad());
  const auto after_bad =
      node.status_until([](const auto& status) { return json_text(status, "state") == "degraded"; });
  CHECK(profile_of(after_bad) == "first");
  CHECK(finding(after_bad, "config.reload") ==
        "fail: the new configuration has mistakes, so the last good one stays: /etc/fettle/fettle.yaml:4:1  "
        "unknown key "
        "'shelvs'  known here: shelves");
  node.reload(good("second"));
  const auto after_good =
      node.status_until([](const auto& status) { return profile_of(status) == "second"; });
  CHECK(json_text(after_good, "state") == "ready");
  CHECK(finding(after_good, "config.reload") == "pass: the configuration is in order");
}

TEST_CASE("daemon: a look that hangs makes the node unknown, and answers go on") {
  Node node;
  Times times;
  times.interest = std::chrono::milliseconds(0);  // each answer makes a new look
  times.overdue = std::chrono::milliseconds(50);
  REQUIRE(node.start(times).empty());
  CHECK(json_text(node.status(), "state") == "ready");
  node.hold(true);
  const auto hung =
      node.status_until([](const auto& status) { return json_text(status, "state") == "unknown"; });
  CHECK(finding(hung, "daemon.look") == "unknown: a look at the node hangs, so what is told here is old");
  CHECK(finding(hung, "cache.mounted") == "pass: mounted");
  node.reload(bad());  // is told although the look does not come back
  node.status_until(
      [](const auto& status) { return finding(status, "config.reload").rfind("fail", 0) == 0; });
  node.reload(good("first"));
  node.hold(false);
  node.status_until([](const auto& status) { return json_text(status, "state") == "ready"; });
}

TEST_CASE("daemon: 200 do not read, 100 ask at once, a disk hangs: control still answers (F43)") {
  Node node;
  Times times;
  times.interest = std::chrono::milliseconds(0);
  times.overdue = std::chrono::milliseconds(50);
  REQUIRE(node.start(times).empty());
  node.status_until([](const auto& status) { return json_text(status, "state") == "ready"; });
  node.hold(true);
  node.status_until([](const auto& status) { return json_text(status, "state") == "unknown"; });

  const auto control_says = [&] {
    test::RawClient client(node.tree.files(), names::control_socket);
    return client.ask("GET /v1/status HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n");
  };
  const auto knows_of_the_hang = [](const std::string& answer) {
    return answer.starts_with("HTTP/1.1 200 ") &&
           answer.find("a look at the node hangs") != std::string::npos;
  };
  std::string flood;  // its answers fill every buffer on the way
  for (int i = 0; i < 1000; ++i) flood += "GET /v1/status HTTP/1.1\r\nHost: f\r\n\r\n";
  std::vector<test::RawClient> slow;
  for (int i = 0; i < 200; ++i) {
    slow.emplace_back(node.tree.files(), names::status_socket);
    slow.back().send(flood);
    if (i % 50 == 0) CHECK(knows_of_the_hang(control_says()));
  }
  std::vector<test::RawClient> asking;
  for (int i = 0; i < 100; ++i) {
    asking.emplace_back(node.tree.files(), names::status_socket);
    asking.back().send("GET /v1/health HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n");
  }
  CHECK(knows_of_the_hang(control_says()));
  for (test::RawClient& client : asking) {
    // Health of a node that hangs is 503 too: each is told something, and none is left waiting.
    CHECK(client.read_all().starts_with("HTTP/1.1 503 "));
  }
  CHECK(knows_of_the_hang(control_says()));
  slow.clear();
  asking.clear();
  node.hold(false);
  node.status_until([](const auto& status) { return json_text(status, "state") == "ready"; });
}

TEST_CASE("daemon: when the first look hangs, it still answers: unknown") {
  Node node;
  Times times;
  times.overdue = std::chrono::milliseconds(50);
  node.hold(true);
  REQUIRE(node.start(times).empty());
  CHECK(json_text(node.status(), "state") == "unknown");
  CHECK(profile_of(node.status()) == "first");
}

TEST_CASE("daemon: a defect in a look is a finding, not the end") {
  Node node;
  node.throw_next();
  REQUIRE(node.start().empty());
  CHECK(finding(node.status(), "daemon.look") == "unknown: cannot look at the node: a defect");
}

TEST_CASE("daemon: nobody asks, nobody looks; somebody asks, and the next look is made for the next one") {
  Node node;
  Times times;
  times.interest = std::chrono::milliseconds(0);
  REQUIRE(node.start(times).empty());
  node.wait_for_look(1);
  node.status();
  node.wait_for_look(2);
}

TEST_CASE("daemon: how a shelf grew outlives a restart, and a shelf at rest costs no more writes") {
  Node node;
  std::atomic<int> kept{0};
  const auto remembering = [&] {
    const auto memory = std::make_shared<Memory>(node.tree.files(), std::string(names::daemon_state));
    return [memory, &kept](const News& news) {
      if (news.growth) ++kept;
      return (*memory)(news);
    };
  };
  serve::Shelf shelf;
  shelf.name = "tiny";
  shelf.total = Bytes{100};
  const auto reach = [&](serve::Progress progress, std::uint64_t done) {
    shelf.progress = progress;
    shelf.done = Bytes{done};
    node.want({shelf});
    (void)node.status_until([&](const auto&) {
      const auto growth = node.growth("tiny");
      return !growth.empty() && growth.back() == done;
    });
  };
  Times times;
  times.reports = times.interest = times.growth = std::chrono::milliseconds(1);
  node.rooms.remember = remembering();
  REQUIRE(node.start(times).empty());
  reach(serve::Progress::working, 10);
  reach(serve::Progress::working, 20);
  // What is kept is known by then.
  (void)node.status_until([&](const auto&) { return kept > 0; });
  node.stop();
  node.rooms.remember = remembering();
  REQUIRE(node.start(times).empty());
  reach(serve::Progress::working, 30);
  // What was kept has come back by then.
  (void)node.status_until([&](const auto&) { return node.growth("tiny").front() == 10; });
  reach(serve::Progress::ready, 100);
  node.stop();
  const int at_rest = kept;
  node.rooms.remember = remembering();
  REQUIRE(node.start(times).empty());
  reach(serve::Progress::ready, 100);
  const auto growth = node.growth("tiny");
  for (const std::uint64_t done : {10, 20, 30, 100}) {
    CAPTURE(done);
    CHECK(std::count(growth.begin(), growth.end(), done) >= 1);
  }
  CHECK(std::is_sorted(growth.begin(), growth.end()));
  node.stop();
  CHECK(kept == at_rest);
}

TEST_CASE("notify and log: outside of systemd nothing goes wrong, and a message cannot forge a line") {
  Log(Log::Goes::to_stderr, Level::error).tell(Level::info, "not shown");
  CHECK(standard_error_goes(nullptr) == Log::Goes::to_stderr);
  CHECK(standard_error_goes("1:1") == Log::Goes::to_stderr);
}
