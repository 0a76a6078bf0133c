#include "engine/ask.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>

#include "base/text.h"

namespace fettle::engine {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Code = boost::system::error_code;

// The profile room let no other address through; what does not fit is not asked all the same.
std::optional<asio::ip::tcp::endpoint> endpoint_of(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) return std::nullopt;
  url.remove_prefix(scheme.size());
  const auto colon = url.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = to_number<std::uint16_t>(url.substr(colon + 1));
  const std::string_view host = url.substr(0, colon);
  if (!port) return std::nullopt;
  if (host == "127.0.0.1" || host == "localhost")
    return asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), *port);
  if (host == "[::1]") return asio::ip::tcp::endpoint(asio::ip::address_v6::loopback(), *port);
  return std::nullopt;
}

Error of_code(const Question& question, const Code& err) {
  const std::string said = "cannot ask '" + question.url + question.target + "': ";
  if (err == beast::error::timeout) {
    return {Why::timed_out,
            said + "no answer within " + std::to_string(question.deadline.count() / 1000) + " s", ""};
  }
  if (err == asio::error::connection_refused) return {Why::refused, said + "nobody listens there", ""};
  return {Why::failed, said + err.message(), ""};
}

class Exchange {
 public:
  explicit Exchange(const Question& question) : question_(question), stream_(loop_) {
    const bool is_get = question.body.empty();
    request_.method(is_get ? http::verb::get : http::verb::post);
    request_.target(question.target);
    request_.version(11);
    request_.set(http::field::host, question.url.substr(question.url.find("//") + 2));
    request_.set(http::field::user_agent, "fettle");
    request_.set(http::field::connection, "close");
    if (!is_get) {
      request_.set(http::field::content_type, "application/json");
      request_.body() = question.body;
      request_.prepare_payload();
    }
    parser_.body_limit(largest_answer.count);
  }

  Result<Answer> operator()(const asio::ip::tcp::endpoint& endpoint) && {
    stream_.expires_after(question_.deadline);  // of all three steps together
    stream_.async_connect(endpoint, [this](const Code& connected) {
      if (connected) return end(connected);
      http::async_write(stream_, request_, [this](const Code& written, std::size_t) {
        if (written) return end(written);
        http::async_read(stream_, buffer_, parser_, [this](const Code& read, std::size_t) { end(read); });
      });
    });
    loop_.run();
    if (err_) return fail(of_code(question_, err_));
    return Answer{parser_.get().result_int(), std::move(parser_.get().body())};
  }

 private:
  void end(const Code& err) { err_ = err; }

  const Question& question_;
  asio::io_context loop_{1};
  beast::tcp_stream stream_;
  http::request<http::string_body> request_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  Code err_;
};

}  // namespace

Result<Answer> ask(const Question& question) {
  const auto endpoint = endpoint_of(question.url);
  if (!endpoint)
    return fail(Why::malformed, "cannot ask '" + question.url + "': it is no address of this node");
  return Exchange(question)(*endpoint);
}

}  // namespace fettle::engine
