// Core: what the acceptors and the connections of one server share. Only server.cpp and connection.cpp use
// it.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <set>

#include "serve/deadlines.h"
#include "serve/server.h"

namespace fettle::serve {

enum class Right { may_ask, forbidden };

// The budget of one socket, and who uses it.
struct Budget {
  std::size_t connections = 0;
  std::map<uid_t, std::size_t> of_users;
};

// Somebody who wants every event as it comes.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_event(const store::Event& event) = 0;
  virtual void end() = 0;
};

struct Server::Core : std::enable_shared_from_this<Server::Core> {
  Core(boost::asio::io_context& loop_, const system::Clock& clock_, Limits limits_, Hooks hooks_)
      : loop(loop_), clock(clock_), limits(limits_), hooks(std::move(hooks_)), deadlines(loop_) {}

  // One line in the journal for somebody who was turned away, at most one a second.
  void tell_refused(Refused refused);

  boost::asio::io_context& loop;
  const system::Clock& clock;
  Limits limits;
  Hooks hooks;
  std::shared_ptr<const Snapshot> snapshot;
  Counters counters;
  Deadlines deadlines;
  std::deque<store::Event> events;  // the newest events_kept
  std::set<Listener*> listeners;
  bool stopping = false;

 private:
  std::optional<std::chrono::steady_clock::time_point> told_;
  std::uint64_t unsaid_ = 0;
};

// A place in the budget, given back when the connection ends.
class Seat {
 public:
  // Empty when the budget of the socket, or of the user, is used up.
  static std::optional<Seat> take(const std::shared_ptr<Server::Core>& core,
                                  const std::shared_ptr<Budget>& budget, uid_t uid);
  Seat(Seat&&) = default;
  Seat& operator=(Seat&&) = delete;
  ~Seat();

 private:
  Seat(std::shared_ptr<Server::Core> core, std::shared_ptr<Budget> budget, uid_t uid)
      : core_(std::move(core)), budget_(std::move(budget)), uid_(uid) {}

  std::shared_ptr<Server::Core> core_;
  std::shared_ptr<Budget> budget_;
  uid_t uid_;
};

// Serves the connection until it ends. connection.cpp, the only file of this room that sees Beast.
void start_connection(std::shared_ptr<Server::Core> core, Fd socket, Socket which, const Peer& peer,
                      Right right, Seat seat);

// The whole text of an answer that closes the connection, for a client that is not even read.
std::string closing_text(const Answer& answer);

}  // namespace fettle::serve
