#include "cli/client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>

#include "base/names.h"
#include "serve/sockets.h"

namespace fettle::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using local = asio::local::stream_protocol;

constexpr std::uint64_t body_limit = 5U << 20U;  // the daemon sends 4 MiB at most

constexpr std::string_view hint = "is the daemon running? `systemctl status fettled` tells";

}  // namespace

struct Client::Connection {
  explicit Connection(Fd socket) : stream(local::socket(loop, local(), socket.release())) {}

  asio::io_context loop{1};
  beast::basic_stream<local> stream;
  beast::flat_buffer buffer;
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
    if (!socket) {
      Error error = socket.error();
      if (error.hint.empty()) error.hint = hint;
      return fail(std::move(error));
    }
    connection_ = std::make_unique<Connection>(std::move(*socket));
  }
  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, "fettle");
  http::response_parser<http::string_body> parser;
  parser.body_limit(body_limit);
  std::optional<boost::system::error_code> ended;
  Connection& connection = *connection_;
  connection.stream.expires_after(deadline_);
  http::async_write(connection.stream, request, [&](const boost::system::error_code& write_err, std::size_t) {
    // A server that is too busy answers and closes without reading, so the answer counts more than the failed
    // write.
    (void)write_err;
    http::async_read(connection.stream, connection.buffer, parser,
                     [&](const boost::system::error_code& err, std::size_t) { ended = err; });
  });
  connection.loop.restart();
  connection.loop.run();
  if (*ended) {
    connection_.reset();
    if (*ended == beast::error::timeout) {
      return fail(Why::timed_out, "cannot ask the daemon: it did not answer in time", std::string(hint));
    }
    return fail(Why::failed, "cannot ask the daemon: " + ended->message(), std::string(hint));
  }
  Reply reply{parser.get().result_int(), std::move(parser.get().body())};
  if (!parser.get().keep_alive()) connection_.reset();
  return reply;
}

}  // namespace fettle::cli
