#include "serve/server.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "base/names.h"
#include "inputs.h"
#include "raw_client.h"
#include "support/fakes.h"

using namespace fettle;
using namespace fettle::serve;
using fettle::test::RawClient;

namespace {

// However busy the machine is: what is about time says so.
Limits patient() {
  Limits limits;
  limits.header_time = std::chrono::minutes(1);
  limits.request_time = std::chrono::minutes(1);
  limits.write_time = std::chrono::minutes(1);
  return limits;
}

// A server on sockets of its own, in a thread of its own.
class Node {
 public:
  explicit Node(Limits limits = patient(), std::optional<gid_t> group = {})
      : server_(loop_, clock, limits,
                {[this] { ++refreshes; }, {}, [this](const Refused& one) { refused.push_back(one); }}) {
    auto sockets = open_sockets(tree.files());
    REQUIRE(sockets);
    server_.listen(std::move(sockets->status), Socket::status, {});
    server_.listen(std::move(sockets->control), Socket::control, group);
    server_.publish(std::make_shared<const Snapshot>(test::ready_node()));
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Node() {
    loop_.stop();
    thread_.join();
  }

  RawClient status() { return {tree.files(), names::status_socket}; }
  RawClient control() { return {tree.files(), names::control_socket}; }

  // Runs on the loop's thread: what a test asks about the server must not race with it.
  template <class Ask>
  auto on_loop(Ask ask) {
    std::promise<decltype(ask())> answer;
    boost::asio::post(loop_, [&] { answer.set_value(ask()); });
    return answer.get_future().get();
  }

  void happen(std::int64_t id, std::string says) {
    on_loop([&] {
      server_.add_events({{id, {}, "node", std::move(says)}});
      return true;
    });
  }

  test::Tree tree;
  test::FakeClock clock;
  int refreshes = 0;
  std::vector<Refused> refused;

 private:
  boost::asio::io_context loop_;
  Server server_;
  std::thread thread_;
};

std::string get(std::string_view path, std::string_view more = "Connection: close\r\n") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: fettle\r\n" + std::string(more) + "\r\n";
}

unsigned status_of(const std::string& answer) {
  CAPTURE(answer);
  REQUIRE(answer.rfind("HTTP/1.1 ", 0) == 0);
  return static_cast<unsigned>(std::stoul(answer.substr(9, 3)));
}

}  // namespace

TEST_CASE("server: it answers, keeps the connection, and HEAD has no body") {
  Node node;
  RawClient client = node.status();
  client.send(get("/v1/status", ""));
  const std::string first = client.read_answer();
  CHECK(status_of(first) == 200);
  CHECK(first.find("\r\nCache-Control: no-cache\r\n") != std::string::npos);
  CHECK(first.find("\r\nContent-Type: application/json\r\n") != std::string::npos);
  CHECK(first.find("{\"api\":1,\"age_seconds\":0,\"stale\":false,") != std::string::npos);
  // Two at once: the second waits its turn.
  client.send(get("/v1/health", "") + get("/metrics"));
  const std::string both = client.read_all();
  CHECK(both.find("\"state\":\"ready\"") != std::string::npos);
  CHECK(both.find("fettle_serve_answered_total 2") != std::string::npos);

  const std::string head =
      node.status().ask("HEAD /v1/status HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n");
  CHECK(status_of(head) == 200);
  CHECK(head.find("Content-Length: ") != std::string::npos);
  CHECK(head.substr(head.size() - 4) == "\r\n\r\n");
  CHECK(node.status().ask("GET /v1/health HTTP/1.0\r\n\r\n").rfind("HTTP/1.0 200", 0) == 0);
}

TEST_CASE("server: the same content is not sent twice to who names its tag, and the connection stays") {
  Node node;
  RawClient client = node.status();
  client.send(get("/v1/status", ""));
  const std::string first = client.read_answer();
  const std::size_t at = first.find("\r\nETag: ") + 8;
  const std::string tag = first.substr(at, first.find("\r\n", at) - at);
  CAPTURE(tag);
  client.send(get("/v1/status", "If-None-Match: " + tag + "\r\n"));
  const std::string second = client.read_until("\r\n\r\n");
  CHECK(status_of(second) == 304);
  CHECK(second.find("\r\nETag: " + tag + "\r\n") != std::string::npos);
  CHECK(second.find("Content-Length") == std::string::npos);
  client.send(get("/metrics"));
  const std::string metrics = client.read_all();
  CHECK(status_of(metrics) == 200);
  CHECK(metrics.find("\r\nCache-Control: no-store\r\n") != std::string::npos);
}

TEST_CASE("server: requests that were sent together are answered in their order") {
  Node node;
  std::string together;
  for (int i = 0; i < 400; ++i)
    together += i % 2 == 0 ? "GET /v1/health HTTP/1.1\r\n\r\n" : "GET /v1/none HTTP/1.1\r\n\r\n";
  auto client = node.status();
  CHECK(client.send(together) == together.size());
  for (int i = 0; i < 400; ++i) {
    CAPTURE(i);
    REQUIRE(status_of(client.read_answer()) == (i % 2 == 0 ? 200 : 404));
  }
}

TEST_CASE("server: bad input gets its answer and the connection ends (F42)") {
  struct Row {
    const char* what;
    std::string bytes;
    unsigned status;
  };
  std::string many = "GET /v1/status HTTP/1.1\r\n";
  for (int i = 0; i < 10000; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  std::string forty = "GET /v1/status HTTP/1.1\r\n";
  for (int i = 0; i < 40; ++i) forty += "X-" + std::to_string(i) + ": 1\r\n";
  const std::vector<Row> rows{
      {"1 MiB request line", "GET /" + std::string(1 << 20, 'a') + " HTTP/1.1\r\n\r\n", 414},
      {"1 MiB header field", "GET / HTTP/1.1\r\nX: " + std::string(1 << 20, 'a') + "\r\n\r\n", 431},
      {"10,000 header fields", many + "\r\n", 431},
      {"40 header fields", forty + "\r\n", 431},
      {"body on a GET", get("/v1/status", "Content-Length: 5\r\n") + "hello", 413},
      {"huge announced body", get("/v1/status", "Content-Length: 99999999999999\r\n"), 413},
      {"length above 64 bits", get("/v1/status", "Content-Length: 99999999999999999999999\r\n"), 400},
      {"negative length", get("/v1/status", "Content-Length: -1\r\n"), 400},
      {"chunked body on a GET",
       get("/v1/status", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n", 413},
      {"length and chunked", get("/v1/status", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"NUL in the path", std::string("GET /v1/\0status HTTP/1.1\r\n\r\n", 29), 400},
      {"parent in the path", get("/v1/../../etc/shadow"), 400},
      {"a path that is none", get("/v1/none"), 404},
      {"not HTTP", "hello\r\n\r\n", 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"bare newlines in a field", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", 400},
      {"write verb", "POST /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n", 405},
      {"write verb with a body", "POST /v1/status HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 413},
  };
  Node node;
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(status_of(node.status().ask(row.bytes)) == row.status);
  }
  CHECK(status_of(node.status().ask(get("/v1/health"))) == 200);
}

TEST_CASE("server: events are followed, and resumed where a client left off") {
  Limits limits;
  limits.idle_time = std::chrono::milliseconds(50);
  Node node(limits);
  node.happen(1, "first");
  node.happen(2, "second");
  const std::string follow = "GET /v1/events HTTP/1.1\r\nAccept: text/event-stream\r\n";
  auto client = node.status();
  client.send(follow + "\r\n");
  std::string seen = client.read_until("second");
  CHECK(seen.find("Content-Type: text/event-stream\r\n") != std::string::npos);
  CHECK(seen.find("id: 1\ndata: {\"id\":1,") != std::string::npos);
  CHECK(client.read_until("\n:\n\n").find("id: ") == std::string::npos);  // nothing happens: a sign of life
  node.happen(3, "third");
  CHECK(client.read_until("third").find("id: 3\n") != std::string::npos);

  auto later = node.status();
  later.send(follow + "Last-Event-ID: 2\r\n\r\n");
  seen = later.read_until("third");
  CHECK(seen.find("id: 1\n") == std::string::npos);
  CHECK(seen.find("id: 2\n") == std::string::npos);
}

TEST_CASE("server: who follows the events and does not read is let go, and the others go on") {
  Limits limits;
  limits.connections = 2;
  Node node(limits);
  auto lazy = node.status();
  lazy.send("GET /v1/events HTTP/1.1\r\nAccept: text/event-stream\r\n\r\n");
  lazy.read_until("\r\n\r\n");
  const std::string much(64U << 10U, 'x');
  for (int id = 1; id <= 64; ++id) node.happen(id, much);
  lazy.wait_for_close();
  auto other = node.status();
  CHECK(status_of(other.ask(get("/v1/health"))) == 200);
  auto one_more = node.status();  // its seat is free again
  CHECK(status_of(one_more.ask(get("/v1/health"))) == 200);
}

TEST_CASE("server: control takes a small body and asks for a refresh") {
  Node node;
  const std::string post = "POST /v1/refresh HTTP/1.1\r\nConnection: close\r\nContent-Length: ";
  CHECK(status_of(node.control().ask(post + "0\r\n\r\n")) == 202);
  CHECK(status_of(node.control().ask(post + "2\r\n\r\n{}")) == 202);
  CHECK(node.on_loop([&] { return node.refreshes; }) == 2);
  CHECK(status_of(node.control().ask(post + "65537\r\n\r\n" + std::string(65537, ' '))) == 413);
  CHECK(status_of(node.control().ask("POST /v1/refresh HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     "10001\r\n" +
                                     std::string(65537, ' ') + "\r\n0\r\n\r\n")) == 413);
  CHECK(status_of(node.control().ask(get("/v1/status"))) == 200);
  CHECK(node.on_loop([&] { return node.refreshes; }) == 2);
}

TEST_CASE("server: a client that is too slow is closed without an answer (F41)") {
  Limits limits;
  limits.header_time = std::chrono::milliseconds(50);
  limits.request_time = std::chrono::milliseconds(80);
  limits.idle_time = std::chrono::milliseconds(50);
  Node node(limits);
  CHECK(node.status().read_all().empty());
  CHECK(node.status().ask("GET /v1/sta").empty());
  CHECK(node.control().ask("POST /v1/refresh HTTP/1.1\r\nContent-Length: 10\r\n\r\n{").empty());
  RawClient idle = node.status();
  idle.send(get("/v1/health", ""));
  CHECK(status_of(idle.read_all()) == 200);  // read_all ends when the server closes the idle connection
  const std::string metrics = node.status().ask(get("/metrics"));
  CHECK(metrics.find("fettle_serve_timed_out_total 3\n") != std::string::npos);
  CHECK(metrics.find("fettle_serve_connections 1\n") != std::string::npos);
}

TEST_CASE("server: a client that does not read is closed") {
  Limits limits;
  limits.write_time = std::chrono::milliseconds(50);
  Node node(limits);
  RawClient client = node.status();
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += get("/v1/status", "");
  client.send(flood);
  client.wait_for_close();
  CHECK(node.status().ask(get("/metrics")).find("fettle_serve_timed_out_total 1\n") != std::string::npos);
}

TEST_CASE("server: connections above the limit are refused quickly, and control still answers (F43)") {
  Limits limits;
  limits.header_time = std::chrono::seconds(60);
  Node node(limits);
  std::vector<RawClient> held;
  for (int i = 0; i < 64; ++i) held.push_back(node.status());
  for (int i = 0; i < 36; ++i) {
    const std::string answer = node.status().read_all();
    CHECK(status_of(answer) == 503);
    CHECK(answer.find("Retry-After: 1\r\n") != std::string::npos);
  }
  CHECK(status_of(node.control().ask(get("/v1/health"))) == 200);
  // The clock stands still, so one of the 36 is told and the rest is counted with the next one.
  CHECK(node.on_loop([&] { return node.refused.size(); }) == 1);
  held.clear();
  // The seats come back as the server sees the ends; until then the answer is 503.
  unsigned status = 503;
  for (int i = 0; i < 10000 && status == 503; ++i) status = status_of(node.status().ask(get("/v1/health")));
  CHECK(status == 200);
}

TEST_CASE("server: a client that leaves in the middle does no harm (F44)") {
  Node node;
  for (int i = 0; i < 50; ++i) {
    RawClient client = node.status();
    client.send(i % 2 == 0 ? get("/v1/status", "").substr(0, 20)
                           : get("/v1/status", "") + get("/metrics", ""));
  }
  std::string metrics;
  for (int i = 0; i < 10000 && metrics.find("fettle_serve_connections 1\n") == std::string::npos; ++i) {
    metrics = node.status().ask(get("/metrics"));
  }
  CHECK(metrics.find("fettle_serve_connections 1\n") != std::string::npos);
}

TEST_CASE("server: another user reads, but does not control, and has a budget of his own (F45)") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can become another user");
    return;
  }
  Limits limits;
  limits.header_time = std::chrono::seconds(60);
  Node node(limits);
  // The peer of a connection is who connected: this thread becomes somebody else for as long as that takes.
  // The raw system call acts on one thread, setresuid() on all.
  const auto as_other = [](auto connect) {
    constexpr unsigned other = 65534;
    REQUIRE(::syscall(SYS_setresuid, -1, other, -1) == 0);
    auto client = connect();
    REQUIRE(::syscall(SYS_setresuid, -1, 0, -1) == 0);
    return client;
  };
  REQUIRE(::chmod(node.tree.root().c_str(), 0755) == 0);
  REQUIRE(::chmod((node.tree.root() + "/run/fettle/control.sock").c_str(), 0666) == 0);
  const auto on_status = [&] { return node.status(); };
  const auto on_control = [&] { return node.control(); };
  CHECK(status_of(as_other(on_status).ask(get("/v1/health"))) == 200);
  const std::string answer = as_other(on_control).ask("POST /v1/refresh HTTP/1.1\r\n\r\n");
  CHECK(status_of(answer) == 403);
  CHECK(node.on_loop([&] { return node.refreshes; }) == 0);
  const auto told = node.on_loop([&] { return node.refused; });
  REQUIRE(told.size() == 1);
  CHECK(told[0].peer.uid == 65534);
  CHECK(told[0].peer.pid == ::getpid());
  CHECK(told[0].status == 403);
  CHECK(told[0].said == "POST /v1/refresh");

  std::vector<RawClient> held;
  for (int i = 0; i < 8; ++i) held.push_back(as_other(on_status));
  std::string ninth;
  for (int i = 0; i < 10000 && ninth.rfind("HTTP/1.1 503", 0) != 0; ++i)
    ninth = as_other(on_status).ask(get("/"));
  CHECK(status_of(ninth) == 503);
  CHECK(status_of(node.status().ask(get("/v1/health"))) == 200);
}

TEST_CASE("server: who may control") {
  const Peer member{1000, 1000, 1, {4, 990}};
  CHECK(may_control({0, 0, 1, {}}, {}));
  CHECK(may_control(member, 990U));
  CHECK(may_control({1000, 990, 1, {}}, 990U));
  CHECK_FALSE(may_control(member, 991U));
  CHECK_FALSE(may_control({static_cast<uid_t>(1), 0, 1, {0}}, {}));
  test::Tree tree;
  CHECK_FALSE(group_id(tree.files(), "fettle"));
  tree.file("/etc/group", "root:x:0:\nfettle:x:990:alice\nbroken\nfettle-stage:x:x:\n");
  CHECK(*group_id(tree.files(), "fettle") == 990);
  CHECK_FALSE(group_id(tree.files(), "fettle-stage"));
}

TEST_CASE("sockets: a long root, a dead socket, a living one and a file in its place") {
  test::Tree tree;
  const std::string deep = "/" + std::string(100, 'd') + "/" + std::string(100, 'e');
  tree.directory(deep);
  auto files = system::Files::open(tree.root() + deep);
  REQUIRE(files);
  {
    auto first = open_sockets(*files);
    REQUIRE(first);
    struct stat info {};
    REQUIRE(::stat((tree.root() + deep + "/run/fettle/status.sock").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777U) == 0666);
    REQUIRE(::stat((tree.root() + deep + "/run/fettle/control.sock").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777U) == 0660);
    CHECK(connect_socket(*files, names::status_socket));
    auto second = open_sockets(*files);
    REQUIRE_FALSE(second);
    CHECK(second.error().said == "cannot listen on '/run/fettle/status.sock': another fettled answers there");
  }
  CHECK_FALSE(connect_socket(*files, names::status_socket));
  CHECK(open_sockets(*files));
  tree.file("/run/fettle/status.sock", "precious");
  CHECK(open_sockets(tree.files()).error().why == Why::refused);
  CHECK(tree.read("/run/fettle/status.sock") == "precious");
}
