// One connection: requests one after the other, each with its deadlines. Boost.Beast reads and writes HTTP.
#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <iterator>
#include <sstream>
#include <utility>

#include "base/text.h"
#include "serve/core.h"
#include "serve/follower.h"

namespace fettle::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using local = asio::local::stream_protocol;
using boost::system::error_code;

// A body of three texts that lie elsewhere: nothing is copied for an answer from the snapshot.
struct Texts {
  using value_type = std::array<std::string_view, 3>;

  static std::uint64_t size(const value_type& texts) {
    return texts[0].size() + texts[1].size() + texts[2].size();
  }

  class writer {
   public:
    using const_buffers_type = std::array<asio::const_buffer, 3>;

    template <bool IsRequest, class Fields>
    writer(const http::header<IsRequest, Fields>&, const value_type& texts) : texts_(texts) {}

    void init(error_code& err) { err = {}; }

    boost::optional<std::pair<const_buffers_type, bool>> get(error_code& err) {
      err = {};
      const_buffers_type buffers;
      for (std::size_t i = 0; i < buffers.size(); ++i) buffers[i] = asio::buffer(texts_[i]);
      return std::make_pair(buffers, false);
    }

   private:
    const value_type& texts_;
  };
};

using Response = http::response<Texts>;

enum class After { keep, close };

Response response_of(const Answer& answer, unsigned version, After after) {
  Response response;
  response.version(version);
  response.result(answer.status);
  response.set(http::field::content_type, answer.type);
  if (answer.tag.empty()) {
    response.set(http::field::cache_control, "no-store");
  } else {
    response.set(http::field::etag, answer.tag);
    response.set(http::field::cache_control, "no-cache");  // kept, but asked again each time
  }
  if (!answer.allow.empty()) response.set(http::field::allow, answer.allow);
  if (answer.retry_after != 0) response.set(http::field::retry_after, std::to_string(answer.retry_after));
  response.body() = {answer.head, answer.rest, answer.tail};
  response.keep_alive(after == After::keep);
  response.prepare_payload();
  if (answer.status == 304) response.erase(http::field::content_length);  // it is not that of a 200
  return response;
}

// A client that was here before says how far it got. What is no number of ours means: from the beginning.
std::int64_t last_seen(std::string_view text) {
  return to_number<std::int64_t>(trim(text)).value_or(0);
}

// The answer to text that is no request, or too much of one. The connection ends with it.
Answer refusal_of(const error_code& err, bool has_request_line) {
  if (err == http::error::header_limit || err == http::error::buffer_overflow) {
    return has_request_line ? refusal(431, "the header is larger than 8 KiB")
                            : refusal(414, "the request line is larger than 8 KiB");
  }
  if (err == http::error::body_limit)
    return refusal(413, "the body is too large", "64 KiB at most, on control only");
  return refusal(400, "this is no HTTP request: " + err.message());
}

class Connection : public std::enable_shared_from_this<Connection>, private Deadlines::Watched {
 public:
  Connection(std::shared_ptr<Server::Core> core, Fd socket, Socket which, const Peer& peer, Right right,
             Seat seat)
      : Watched({core, &core->deadlines}),
        core_(std::move(core)),
        socket_(core_->loop, local(), socket.release()),
        buffer_(2 * core_->limits.header_bytes),
        which_(which),
        peer_(peer),
        right_(right),
        seat_(std::move(seat)) {
    error_code ignored;
    socket_.non_blocking(true, ignored);  // what can be done at once is done at once
  }

  void start() {
    expect_request();
    set_deadline(began_ + core_->limits.header_time);
    read_header();
  }

 private:
  // Keep-alive: waiting for a first byte costs nothing but the seat.
  void wait_for_next() {
    if (core_->stopping) return;
    if (buffer_.size() > 0) {  // the client did not wait for our answer
      // In its turn: not deeper and deeper in here, and not before other clients.
      asio::post(core_->loop, [self = shared_from_this()] { self->on_first_bytes(); });
      return;
    }
    phase_ = Phase::idle;
    set_deadline(std::chrono::steady_clock::now() + core_->limits.idle_time);
    socket_.async_read_some(buffer_.prepare(std::min<std::size_t>(4096, core_->limits.header_bytes)),
                            [self = shared_from_this()](const error_code& err, std::size_t count) {
                              if (err) return;  // it left, or had nothing more to ask
                              self->buffer_.commit(count);
                              self->on_first_bytes();
                            });
  }

  void expect_request() {
    phase_ = Phase::request;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(core_->limits.header_bytes));
    parser_->body_limit(which_ == Socket::status ? 0 : core_->limits.body_bytes);
    began_ = std::chrono::steady_clock::now();
  }

  // The whole header is nearly always here: then nothing is waited for, and no deadline set.
  void on_first_bytes() {
    expect_request();
    error_code err;
    while (!parser_->is_header_done() && !err) buffer_.consume(parser_->put(buffer_.data(), err));
    if (err == http::error::need_more) {
      set_deadline(began_ + core_->limits.header_time);
      read_header();
    } else {
      on_header(err);
    }
  }

  void read_header() {
    http::async_read_header(
        socket_, buffer_, *parser_,
        [self = shared_from_this()](const error_code& err, std::size_t) { self->on_header(err); });
  }

  void on_deadline() override {
    if (phase_ != Phase::idle) ++core_->counters.timed_out;
    error_code ignored;
    socket_.close(ignored);  // whoever waits on it is told
  }

  void on_header(const error_code& err) {
    if (err) {
      on_bad_request(err);
      return;
    }
    const auto& request = parser_->get();
    if (static_cast<std::size_t>(std::distance(request.begin(), request.end())) > core_->limits.headers) {
      refuse(refusal(431, "more than " + std::to_string(core_->limits.headers) + " header fields"));
    } else if (right_ == Right::forbidden) {
      refuse(refusal(403, "the control socket is for root and group fettle",
                     "reading needs no right: ask on the status socket"));
    } else if (parser_->is_done()) {
      on_request();
    } else if (which_ == Socket::status) {
      refuse(refusal(413, "no body is taken on this socket"));
    } else {
      set_deadline(began_ + core_->limits.request_time);
      http::async_read(socket_, buffer_, *parser_,
                       [self = shared_from_this()](const error_code& body_err, std::size_t) {
                         if (body_err) {
                           self->on_bad_request(body_err);
                         } else {
                           self->on_request();
                         }
                       });
    }
  }

  void on_bad_request(const error_code& err) {
    if (err.category() != http::make_error_code(http::error::end_of_stream).category() ||
        err == http::error::end_of_stream || err == http::error::partial_message) {
      return;  // the client left
    }
    refuse(refusal_of(err, !parser_->get().target().empty()));
  }

  void on_request() {
    const auto& request = parser_->get();
    answer_ = serve::answer({which_, request.method_string(), request.target(), request[http::field::accept],
                             request[http::field::if_none_match], request.body(), core_->snapshot,
                             core_->clock.steady(), core_->counters});
    if (answer_.status == 405) {
      tell();
    } else if (answer_.status >= 400 && answer_.status != 503) {
      ++core_->counters.refused;
    } else {
      ++core_->counters.answered;
    }
    if (answer_.effect == Effect::refresh && core_->hooks.refresh) core_->hooks.refresh();
    if (answer_.effect == Effect::acknowledge && core_->hooks.acknowledge)
      core_->hooks.acknowledge(answer_.acknowledge, peer_);
    if (answer_.effect == Effect::withdraw && core_->hooks.withdraw)
      core_->hooks.withdraw(answer_.acknowledge.check, peer_);
    if (answer_.effect == Effect::log_level && core_->hooks.log_level)
      core_->hooks.log_level(answer_.log_level, peer_);
    if (answer_.keep && core_->hooks.was_read) core_->hooks.was_read();
    if (answer_.effect == Effect::follow) {
      start_follower(core_, std::move(socket_), std::move(seat_), last_seen(request["Last-Event-ID"]));
      return;
    }
    write(request.keep_alive() && !core_->stopping ? After::keep : After::close, request.version(),
          request.method() == http::verb::head);
  }

  void refuse(Answer answer) {
    answer_ = std::move(answer);
    if (answer_.status == 403) {
      tell();
    } else {
      ++core_->counters.refused;
    }
    write(After::close, 11, false);
  }

  void tell() {
    const auto& request = parser_->get();
    core_->tell_refused(
        {which_, peer_, answer_.status,
         std::string(request.method_string()) + " " + std::string(request.target().substr(0, 200))});
  }

  void write(After after, unsigned version,
             bool header_only) {  // HEAD has the length of a body that is not sent
    phase_ = Phase::answer;
    response_.emplace(response_of(answer_, version, after));
    serializer_.emplace(*response_);
    serializer_->split(header_only);
    error_code err;
    if (header_only) {
      http::write_header(socket_, *serializer_, err);
    } else {
      http::write(socket_, *serializer_, err);
    }
    if (err != asio::error::would_block) {
      on_written(err, after);
      return;
    }
    // It reads slower than we write: the rest goes when there is room.
    set_deadline(std::chrono::steady_clock::now() + core_->limits.write_time);
    auto done = [self = shared_from_this(), after](const error_code& late, std::size_t) {
      self->on_written(late, after);
    };
    if (header_only) {
      http::async_write_header(socket_, *serializer_, std::move(done));
    } else {
      http::async_write(socket_, *serializer_, std::move(done));
    }
  }

  void on_written(const error_code& err, After after) {
    answer_ = {};  // an idle connection must not hold an old snapshot
    if (!err && after == After::keep) {
      wait_for_next();
    } else {
      drain_and_end();
    }
  }

  // Takes what a refused client already sent: closing with unread bytes would reset the connection, and the
  // client would see that instead of the answer. Never waits.
  void drain_and_end() {
    error_code ignored;
    socket_.shutdown(local::socket::shutdown_send, ignored);
    std::array<char, 4096> bytes;
    for (std::size_t i = 0; i < 16 && !ignored; ++i) socket_.read_some(asio::buffer(bytes), ignored);
  }

  enum class Phase { idle, request, answer };

  std::shared_ptr<Server::Core> core_;
  local::socket socket_;
  Phase phase_ = Phase::request;
  beast::flat_buffer buffer_;
  Socket which_;
  Peer peer_;
  Right right_;
  Seat seat_;
  std::chrono::steady_clock::time_point began_;
  std::optional<http::request_parser<http::string_body>> parser_;
  Answer answer_;
  std::optional<Response> response_;
  std::optional<http::response_serializer<Texts>> serializer_;
};

}  // namespace

void start_connection(std::shared_ptr<Server::Core> core, Fd socket, Socket which, const Peer& peer,
                      Right right, Seat seat) {
  std::make_shared<Connection>(std::move(core), std::move(socket), which, peer, right, std::move(seat))
      ->start();
}

std::string closing_text(const Answer& answer) {
  std::ostringstream text;
  text << response_of(answer, 11, After::close);
  return text.str();
}

}  // namespace fettle::serve
