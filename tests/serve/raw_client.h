// RawClient: a Unix socket that sends any bytes, for tests of the server. Nothing waits longer than ten
// seconds.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/fd.h"
#include "serve/sockets.h"
#include "support/tree.h"

namespace fettle::test {

class RawClient {
 public:
  RawClient(const system::Files& files, std::string_view path) {
    auto socket = serve::connect_socket(files, path);
    REQUIRE(socket);
    fd_ = std::move(*socket);
  }

  // What the server took of it; it may close in the middle.
  std::size_t send(std::string_view bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const auto count = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) break;
      sent += static_cast<std::size_t>(count);
    }
    return sent;
  }

  // Everything until the server closes.
  std::string read_all() {
    std::string text;
    while (read_some(text)) {
    }
    return text;
  }

  // One whole answer of a connection that stays open; what came after it is kept for the next call.
  std::string read_answer() {
    std::string text = std::exchange(rest_, {});
    while (true) {
      const std::size_t end = text.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::size_t at = text.find("Content-Length: ");
        const std::size_t size = end + 4 + std::stoul(text.substr(at + 16));
        if (text.size() >= size) {
          rest_ = text.substr(size);
          return text.substr(0, size);
        }
      }
      if (!read_some(text)) return text;
    }
  }

  // All of a stream up to the first `mark`, or what came before it ended.
  std::string read_until(std::string_view mark) {
    std::string text = std::exchange(rest_, {});
    while (text.find(mark) == std::string::npos && read_some(text)) {
    }
    const std::size_t end =
        std::min(text.find(mark), text.size() - std::min(mark.size(), text.size())) + mark.size();
    rest_ = text.substr(std::min(end, text.size()));
    return text.substr(0, end);
  }

  std::string ask(std::string_view request) {
    send(request);
    return read_all();
  }

  // Without reading.
  void wait_for_close() {
    pollfd waiting{fd_.get(), 0, 0};
    REQUIRE(::poll(&waiting, 1, 10000) == 1);
  }

 private:
  bool read_some(std::string& text) {
    pollfd waiting{fd_.get(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, 10000) == 1);
    std::array<char, 65536> buffer;
    const auto count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) return false;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    return true;
  }

  Fd fd_;
  std::string rest_;
};

}  // namespace fettle::test
