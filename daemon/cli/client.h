// Client: asks the daemon over its status socket. The only file of this room that sees Boost.Beast.
#pragma once

#include <chrono>
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

 private:
  struct Connection;

  Result<Reply> ask(std::string_view target);

  const system::Files& files_;
  std::chrono::milliseconds deadline_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace fettle::cli
