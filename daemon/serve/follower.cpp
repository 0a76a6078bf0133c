#include "serve/follower.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <utility>

#include "serve/print.h"

namespace fettle::serve {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using local = asio::local::stream_protocol;

// No length is known, so the end of the connection is the end of the answer.
constexpr std::string_view head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: "
    "close\r\n\r\n";

// A comment: it tells both sides that the other is still there.
constexpr std::string_view still_here = ":\n\n";

// What one reader may leave unread before it is let go.
constexpr std::size_t backlog_limit = std::size_t{1} << 20U;

std::string text_of(const store::Event& event) {
  return "id: " + std::to_string(event.id) + "\ndata: " + one_line(event_json(event)) + "\n\n";
}

class Follower : public Listener, public std::enable_shared_from_this<Follower>, private Deadlines::Watched {
 public:
  Follower(std::shared_ptr<Server::Core> core, local::socket socket, Seat seat)
      : Watched({core, &core->deadlines}),
        core_(std::move(core)),
        socket_(std::move(socket)),
        seat_(std::move(seat)) {}

  ~Follower() override { core_->listeners.erase(this); }

  void start(std::int64_t after) {
    core_->listeners.insert(this);
    waiting_ = head;
    for (const store::Event& event : core_->events) {
      if (event.id > after) waiting_ += text_of(event);
    }
    wait_for_end();
    send();
  }

  void on_event(const store::Event& event) override {
    waiting_ += text_of(event);
    if (waiting_.size() > backlog_limit) {
      end();
    } else {
      send();
    }
  }

  void end() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  // A follower has nothing more to say; what it sends is not read for its content.
  void wait_for_end() {
    socket_.async_read_some(asio::buffer(ignored_),
                            [self = shared_from_this()](const error_code& err, std::size_t) {
                              if (err) {
                                self->end();
                              } else {
                                self->wait_for_end();
                              }
                            });
  }

  void send() {
    if (is_sending_) return;
    is_sending_ = true;
    sending_ = std::exchange(waiting_, {});
    set_deadline(std::chrono::steady_clock::now() + core_->limits.write_time);
    asio::async_write(
        socket_, asio::buffer(sending_),
        [self = shared_from_this()](const error_code& err, std::size_t) { self->on_sent(err); });
  }

  void on_sent(const error_code& err) {
    is_sending_ = false;
    if (err || core_->stopping) {
      end();
    } else if (!waiting_.empty()) {
      send();
    } else {
      set_deadline(std::chrono::steady_clock::now() + core_->limits.idle_time);
    }
  }

  void on_deadline() override {
    if (is_sending_) {
      ++core_->counters.timed_out;
      end();
    } else {
      waiting_ += still_here;
      send();
    }
  }

  std::shared_ptr<Server::Core> core_;
  local::socket socket_;
  Seat seat_;
  std::string waiting_;
  std::string sending_;
  bool is_sending_ = false;
  std::array<char, 256> ignored_{};
};

}  // namespace

void start_follower(std::shared_ptr<Server::Core> core, local::socket socket, Seat seat, std::int64_t after) {
  std::make_shared<Follower>(std::move(core), std::move(socket), std::move(seat))->start(after);
}

}  // namespace fettle::serve
