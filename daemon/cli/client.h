// Client: asks the daemon over its status socket, and tells it something over its control socket. The only
// file of this room that sees Boost.Beast.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "system/files.h"

namespace fettle::cli {

struct Reply {
  unsigned status = 0;
  std::string body;
};

// One connection that is kept for the next question, and made again when it is gone.
class Client {
 public:
  explicit Client(const system::Files& files, std::chrono::milliseconds deadline = std::chrono::seconds(5));
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // missing or refused = no daemon; timed_out = it does not answer. The hint says what to do.
  Result<Reply> get(std::string_view target);

  // The answer of 200 and 503 as JSON; what the daemon refused is the error, in its own words.
  Result<boost::json::value> json(std::string_view target);

  // Posts the body to the control socket. What the daemon refused is the error, in its own words; denied when
  // the caller is neither root nor of group fettle.
  Result<boost::json::value> tell(std::string_view target, const boost::json::value& body);

  // Follows the events after `last_id`, which it moves on: calls `on_event` with each one's JSON until that
  // gives false or the stream ends. An end is no error; the daemon sends a sign of life each 15 seconds, and
  // silence of three times that is.
  Result<void> follow(std::int64_t& last_id, const std::function<bool(const boost::json::value&)>& on_event);

 private:
  struct Connection;

  Result<Reply> ask(std::string_view target);

  const system::Files& files_;
  std::chrono::milliseconds deadline_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace fettle::cli
