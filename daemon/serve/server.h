// Server: answers HTTP/1.1 on the two sockets from the current snapshot. One thread; no request touches a
// disk.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "serve/requests.h"
#include "serve/snapshot.h"
#include "serve/sockets.h"
#include "system/clock.h"

namespace fettle::serve {

// Each socket has a budget of its own, so that a flood on the public one never starves control.
// Anchors: varlink (systemd 255) 45 s and 4096 clients; a snapshot needs far less.
struct Limits {
  std::size_t connections = 64;
  std::size_t connections_of_a_user = 8;  // root is exempt
  std::size_t header_bytes = 8 << 10U;    // request line included
  std::size_t headers = 32;
  std::size_t body_bytes = 64 << 10U;            // on control; none is taken on status
  std::chrono::milliseconds header_time{2000};   // from the first byte, or from connecting
  std::chrono::milliseconds request_time{5000};  // header and body
  std::chrono::milliseconds idle_time{15000};    // between two requests of a connection
  std::chrono::milliseconds write_time{5000};
};

// A request or connection that was turned away, for one line in the journal.
struct Refused {
  Socket socket = Socket::status;
  Peer peer;
  unsigned status = 0;
  std::string said;
  std::uint64_t unsaid = 0;  // earlier ones that got no line: at most one a second is told
};

// Called on the loop's thread. Any may be empty.
struct Hooks {
  std::function<void()> refresh;   // POST /v1/refresh
  std::function<void()> was_read;  // somebody got an answer from the snapshot
  std::function<void(const Refused&)> refused;
  std::function<void(const Acknowledge&, const Peer&)> acknowledge;
  std::function<void(const std::string& check, const Peer&)> withdraw;
  std::function<void(std::string_view level, const Peer&)> log_level;
};

// Kept in memory for followers that come back with the id of the last event they saw.
inline constexpr std::size_t events_kept = 1000;

class Server {
 public:
  Server(boost::asio::io_context& loop, const system::Clock& clock, Limits limits, Hooks hooks);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Starts to accept on a listening socket. `group` may use control besides root.
  void listen(Fd socket, Socket which, std::optional<gid_t> group = {});

  // The snapshot that answers from now on. On the loop's thread.
  void publish(std::shared_ptr<const Snapshot> snapshot);

  // What happened, in the order of its ids: sent to those who follow, and kept for those who come later. On
  // the loop's thread.
  void add_events(const std::vector<store::Event>& events);

  // No new connections; the open ones end with their next answer.
  void stop();

  struct Core;  // what connections share; server.cpp

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace fettle::serve
