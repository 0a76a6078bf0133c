#include "serve/server.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "serve/core.h"

namespace fettle::serve {
namespace {

namespace asio = boost::asio;

// Out of descriptors or memory: a short rest instead of a busy loop.
constexpr std::chrono::milliseconds rest_time{100};

// Accepts on one socket for as long as the core is not stopping.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(std::shared_ptr<Server::Core> core, Fd socket, Socket which, std::optional<gid_t> group)
      : core_(std::move(core)),
        socket_(core_->loop, socket.release()),
        rest_(core_->loop),
        which_(which),
        group_(group),
        busy_(closing_text(busy_answer())) {
    // The client may be gone before it is accepted; that must not block the loop.
    boost::system::error_code ignored;
    socket_.native_non_blocking(true, ignored);
  }

  void wait() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& err) {
                         if (!err && !self->core_->stopping) self->accept();
                       });
  }

 private:
  static Answer busy_answer() {
    Answer answer = refusal(503, "too many connections", "ask again in a second, over one connection");
    answer.retry_after = 1;
    return answer;
  }

  void accept() {
    Fd client(::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client) {
      seat(std::move(client));
      wait();
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      rest_.expires_after(rest_time);
      rest_.async_wait([self = shared_from_this()](const boost::system::error_code& err) {
        if (!err && !self->core_->stopping) self->wait();
      });
    } else {
      wait();  // the client went away while it waited
    }
  }

  void seat(Fd client) {
    const auto peer = peer_of(client.get());
    if (!peer) return;
    auto place = Seat::take(core_, budget_, peer->uid);
    if (!place) {
      turn_away(client, *peer);
      return;
    }
    const bool allowed = which_ == Socket::status || may_control(*peer, group_);
    start_connection(core_, std::move(client), which_, *peer, allowed ? Right::may_ask : Right::forbidden,
                     std::move(*place));
  }

  // Quickly and without a seat: one write that cannot block. What the client sent is taken off first, because
  // closing a socket with unread bytes tells the client "reset" instead of the answer.
  void turn_away(const Fd& client, const Peer& peer) {
    std::array<char, 4096> ignored;
    (void)::recv(client.get(), ignored.data(), ignored.size(), MSG_DONTWAIT);
    (void)::send(client.get(), busy_.data(), busy_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    core_->tell_refused({which_, peer, 503, "too many connections"});
  }

  std::shared_ptr<Server::Core> core_;
  asio::posix::stream_descriptor socket_;
  asio::steady_timer rest_;
  Socket which_;
  std::optional<gid_t> group_;
  std::string busy_;
  std::shared_ptr<Budget> budget_ = std::make_shared<Budget>();
};

}  // namespace

std::optional<Seat> Seat::take(const std::shared_ptr<Server::Core>& core,
                               const std::shared_ptr<Budget>& budget, uid_t uid) {
  if (budget->connections >= core->limits.connections) return std::nullopt;
  std::size_t& of_user = budget->of_users[uid];
  if (uid != 0 && of_user >= core->limits.connections_of_a_user) return std::nullopt;
  ++of_user;
  ++budget->connections;
  ++core->counters.connections;
  return Seat(core, budget, uid);
}

Seat::~Seat() {
  if (!budget_) return;
  --budget_->connections;
  --core_->counters.connections;
  if (--budget_->of_users[uid_] == 0) budget_->of_users.erase(uid_);
}

void Server::Core::tell_refused(Refused refused) {
  ++counters.refused;
  const auto now = clock.steady();
  if (told_ && now - *told_ < std::chrono::seconds(1)) {
    ++unsaid_;
    return;
  }
  told_ = now;
  refused.unsaid = std::exchange(unsaid_, 0);
  if (hooks.refused) hooks.refused(refused);
}

Server::Server(asio::io_context& loop, const system::Clock& clock, Limits limits, Hooks hooks)
    : core_(std::make_shared<Core>(loop, clock, limits, std::move(hooks))) {}

Server::~Server() {
  stop();
}

void Server::listen(Fd socket, Socket which, std::optional<gid_t> group) {
  std::make_shared<Acceptor>(core_, std::move(socket), which, group)->wait();
}

void Server::publish(std::shared_ptr<const Snapshot> snapshot) {
  core_->snapshot = std::move(snapshot);
}

void Server::add_events(const std::vector<store::Event>& events) {
  for (const store::Event& event : events) {
    core_->events.push_back(event);
    if (core_->events.size() > events_kept) core_->events.pop_front();
    const std::set<Listener*> listeners = core_->listeners;  // one that is let go does not disturb the walk
    for (Listener* const listener : listeners) {
      if (core_->listeners.count(listener) != 0) listener->on_event(event);
    }
  }
}

void Server::stop() {
  core_->stopping = true;
  const std::set<Listener*> listeners = core_->listeners;
  for (Listener* const listener : listeners) listener->end();
}

}  // namespace fettle::serve
