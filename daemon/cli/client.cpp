#include "cli/client.h"

#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/serialize.hpp>
#include <optional>

#include "base/json.h"
#include "base/names.h"
#include "base/text.h"
#include "serve/sockets.h"

namespace fettle::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using local = asio::local::stream_protocol;

constexpr std::uint64_t body_limit = 5U << 20U;  // the daemon sends 4 MiB at most

constexpr std::size_t line_limit = std::size_t{64} << 10U;  // of an event

constexpr std::string_view hint = "is the daemon running? `systemctl status fettled` tells";

Error with_hint(Error error) {
  if (error.hint.empty()) error.hint = hint;
  return error;
}

}  // namespace

struct Client::Connection {
  explicit Connection(Fd socket) : stream(local::socket(loop, local(), socket.release())) {}

  asio::io_context loop{1};
  beast::basic_stream<local> stream;
  beast::flat_buffer buffer;
  bool is_over = false;  // the daemon closes it after its last answer

  Result<Reply> exchange(http::request<http::string_body> request, std::chrono::milliseconds deadline);
};

Client::Client(const system::Files& files, std::chrono::milliseconds deadline)
    : files_(files), deadline_(deadline) {}

Client::~Client() = default;

Result<Reply> Client::get(std::string_view target) {
  const bool is_kept = connection_ != nullptr;
  auto reply = ask(target);
  // The daemon closes an idle connection, and a restarted one knows nothing of it: a new one is worth one
  // more try.
  if (!reply && is_kept && reply.error().why != Why::timed_out) return ask(target);
  return reply;
}

Result<Reply> Client::ask(std::string_view target) {
  if (!connection_) {
    auto socket = serve::connect_socket(files_, names::status_socket);
    if (!socket) return fail(with_hint(socket.error()));
    connection_ = std::make_unique<Connection>(std::move(*socket));
  }
  http::request<http::string_body> request(http::verb::get, target, 11);
  auto reply = connection_->exchange(std::move(request), deadline_);
  if (!reply || connection_->is_over) connection_.reset();
  return reply;
}

Result<Reply> Client::Connection::exchange(http::request<http::string_body> request,
                                           std::chrono::milliseconds deadline) {
  request.set(http::field::host, "fettle");
  http::response_parser<http::string_body> parser;
  parser.body_limit(body_limit);
  std::optional<boost::system::error_code> ended;
  stream.expires_after(deadline);
  http::async_write(stream, request, [&](const boost::system::error_code& write_err, std::size_t) {
    // A server that is too busy answers and closes without reading, so the answer counts more than the failed
    // write.
    (void)write_err;
    http::async_read(stream, buffer, parser,
                     [&](const boost::system::error_code& err, std::size_t) { ended = err; });
  });
  loop.restart();
  loop.run();
  if (*ended == beast::error::timeout)
    return fail(Why::timed_out, "cannot ask the daemon: it did not answer in time", std::string(hint));
  if (*ended) return fail(Why::failed, "cannot ask the daemon: " + ended->message(), std::string(hint));
  is_over = !parser.get().keep_alive();
  return Reply{parser.get().result_int(), std::move(parser.get().body())};
}

Result<boost::json::value> Client::tell(std::string_view target, const boost::json::value& body) {
  auto socket = serve::connect_socket(files_, names::control_socket);
  if (!socket) return fail(with_hint(socket.error()));
  http::request<http::string_body> request(http::verb::post, target, 11);
  request.body() = boost::json::serialize(body);
  request.prepare_payload();
  Connection connection(std::move(*socket));
  const auto reply = connection.exchange(std::move(request), deadline_);
  if (!reply) return fail(reply.error());
  auto value = parse_json(reply->body, "the daemon's answer");
  if (!value || reply->status == 202) return value;
  const std::string detail = json_text(*value, "detail");
  return fail(reply->status == 403 ? Why::denied : Why::refused,
              "cannot tell the daemon: " + (detail.empty() ? "it refused" : detail),
              json_text(*value, "hint"));
}

Result<boost::json::value> Client::json(std::string_view target) {
  const auto reply = get(target);
  if (!reply) return fail(reply.error());
  auto value = parse_json(reply->body, "the daemon's answer");
  if (!value || reply->status == 200 || reply->status == 503) return value;
  const std::string detail = json_text(*value, "detail");
  return fail(Why::refused, "cannot ask the daemon: " + (detail.empty() ? "it refused" : detail),
              json_text(*value, "hint"));
}

Result<void> Client::follow(std::int64_t& last_id,
                            const std::function<bool(const boost::json::value&)>& on_event) {
  auto socket = serve::connect_socket(files_, names::status_socket);
  if (!socket) return fail(with_hint(socket.error()));
  Connection connection(std::move(*socket));
  const timeval patience{45, 0};
  ::setsockopt(connection.stream.socket().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience,
               sizeof patience);
  http::request<http::empty_body> request(http::verb::get, "/v1/events", 11);
  request.set(http::field::host, "fettle");
  request.set(http::field::accept, "text/event-stream");
  request.set("Last-Event-ID", std::to_string(last_id));
  boost::system::error_code err;
  http::write(connection.stream.socket(), request, err);
  std::string text;
  bool is_head = true;
  while (!err) {
    const std::size_t length =
        asio::read_until(connection.stream.socket(), asio::dynamic_buffer(text, line_limit), '\n', err);
    if (err) break;
    const std::string line(trim(std::string_view(text).substr(0, length)));
    text.erase(0, length);
    if (is_head) {
      is_head = !line.empty();
      if (line.rfind("HTTP/", 0) == 0 && line.find(" 200 ") == std::string::npos)
        return fail(Why::refused, "cannot follow the events: the daemon answers '" + line + "'",
                    std::string(hint));
      continue;
    }
    if (line.rfind("data: ", 0) != 0) continue;
    const auto event = parse_json(line.substr(6), "an event");
    if (!event) return fail(event.error());
    last_id = static_cast<std::int64_t>(json_count(*event, "id"));
    if (!on_event(*event)) return {};
  }
  if (err == asio::error::eof || err == asio::error::connection_reset) return {};
  return fail(Why::timed_out, "cannot follow the events: " + err.message(), std::string(hint));
}

}  // namespace fettle::cli
