#include "engine/ask.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "base/fd.h"

using namespace fettle;
using namespace fettle::engine;
using namespace std::chrono_literals;

namespace {

// Listens on the loopback, takes one connection, reads what is asked, and answers with these bytes.
class OneAnswer {
 public:
  explicit OneAnswer(std::string bytes)
      : bytes_(std::move(bytes)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 1) == 0);
    socklen_t length = sizeof address;
    REQUIRE(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { answer(); });
  }
  ~OneAnswer() { thread_.join(); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // What was asked, once the answer is there.
  std::string asked() {
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([] {});
    return asked_;
  }

 private:
  void answer() {
    const Fd client(::accept(listener_.get(), nullptr, nullptr));
    std::array<char, 4096> buffer{};
    const auto got = ::recv(client.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) asked_.assign(buffer.data(), static_cast<std::size_t>(got));
    if (!bytes_.empty()) {
      (void)::send(client.get(), bytes_.data(), bytes_.size(), MSG_NOSIGNAL);
    } else {
      // Nothing is said until the client gives up.
      while (::recv(client.get(), buffer.data(), buffer.size(), 0) > 0) {
      }
    }
  }

  std::string bytes_;
  Fd listener_;
  std::uint16_t port_ = 0;
  std::string asked_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("ask: a question over loopback and its answer") {
  OneAnswer engine("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  const auto answer = ask({engine.url(), "/health", {}});
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->body == "ok");
  CHECK(engine.asked().starts_with("GET /health HTTP/1.1\r\nHost: 127.0.0.1:"));
}

TEST_CASE("ask: a prompt is posted as JSON") {
  OneAnswer engine("HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\n");
  const auto answer = ask({engine.url(), "/v1/completions", "{}"});
  REQUIRE(answer);
  CHECK(answer->status == 503);
  const std::string asked = engine.asked();
  CHECK(asked.starts_with("POST /v1/completions HTTP/1.1\r\n"));
  CHECK(asked.find("Content-Type: application/json\r\n") != std::string::npos);
  CHECK(asked.ends_with("\r\n\r\n{}"));
}

TEST_CASE("ask: silence, nonsense, floods and closed ports are errors that say so") {
  {
    OneAnswer silent("");
    const auto answer = ask({silent.url(), "/health", {}, 50ms});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().why == Why::timed_out);
  }
  {
    OneAnswer nonsense("SSH-2.0-OpenSSH_9.6\r\n\r\n");
    const auto answer = ask({nonsense.url(), "/health", {}});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().why == Why::failed);
  }
  {
    OneAnswer flood("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + std::string(300 << 10, 'x'));
    const auto answer = ask({flood.url(), "/v1/models", {}});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().why == Why::failed);
  }
  std::string gone;
  {
    OneAnswer engine("HTTP/1.1 200 OK\r\n\r\n");
    gone = engine.url();
    CHECK(ask({gone, "/", {}, 50ms}));
  }
  const auto refused = ask({gone, "/health", {}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().why == Why::refused);
  CHECK(refused.error().said == "cannot ask '" + gone + "/health': nobody listens there");
}

TEST_CASE("ask: no other address than the node's own is ever connected to") {
  for (const std::string url :
       {"http://10.0.0.1:80", "http://example.org:80", "https://127.0.0.1:443", "http://127.0.0.1",
        "http://127.0.0.1:99999", "http://127.0.0.1.evil.example:80", "127.0.0.1:80", ""}) {
    CAPTURE(url);
    const auto answer = ask({url, "/health", {}});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().why == Why::malformed);
  }
}
