// socket_latency SOCKET PATH COUNT: asks for PATH on a kept-alive connection and prints the median time in us
// and the
//                                   size of the answer in bytes.
// socket_latency --echo SOCKET BYTES: the floor to compare with: a server that answers every read with so
// many bytes.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

using fettle::Fd;

namespace {

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_un address_of(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    give_up(path);
  }
  std::strcpy(address.sun_path,
              path);  // NOLINT(clang-analyzer-security.insecureAPI.strcpy): length checked above
  return address;
}

// Reads one HTTP answer: the head, then Content-Length bytes. Returns its whole size.
std::size_t read_answer(int fd, std::string& buffer) {
  buffer.clear();
  std::size_t wanted = std::string::npos;
  while (buffer.size() < wanted) {
    char chunk[65536];
    const ssize_t got = ::read(fd, chunk, sizeof chunk);
    if (got <= 0) give_up("read");
    buffer.append(chunk, static_cast<std::size_t>(got));
    if (wanted != std::string::npos) continue;
    const auto head = buffer.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    const auto length = buffer.find("Content-Length: ");
    if (length == std::string::npos || length > head) give_up("no Content-Length");
    wanted = head + 4 + static_cast<std::size_t>(std::strtoull(buffer.c_str() + length + 16, nullptr, 10));
  }
  return buffer.size();
}

int ask(const char* path, const std::string& target, int count) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up(path);
  const std::string request = "GET " + target + " HTTP/1.1\r\nHost: fettle\r\n\r\n";
  std::vector<double> times;
  std::string buffer;
  std::size_t size = 0;
  for (int i = 0; i < count; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    if (::write(fd.get(), request.data(), request.size()) != static_cast<ssize_t>(request.size()))
      give_up("write");
    size = read_answer(fd.get(), buffer);
    times.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  std::nth_element(times.begin(), times.begin() + count / 2, times.end());
  std::cout << times[static_cast<std::size_t>(count) / 2] << ' ' << size << '\n';
  return 0;
}

int echo(const char* path, std::size_t bytes) {
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  ::unlink(path);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up(path);
  if (::listen(listener.get(), 8) != 0) give_up("listen");
  std::string body(bytes, 'x');
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: ";
  answer += std::to_string(bytes) + "\r\n\r\n" + body;
  while (true) {
    const Fd client(::accept(listener.get(), nullptr, nullptr));
    char chunk[4096];
    while (::read(client.get(), chunk, sizeof chunk) > 0) {
      if (::write(client.get(), answer.data(), answer.size()) < 0) break;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--echo")
    return echo(argv[2], std::strtoull(argv[3], nullptr, 10));
  if (argc == 4 && std::atoi(argv[3]) > 0) return ask(argv[1], argv[2], std::atoi(argv[3]));
  std::cerr << "usage: socket_latency SOCKET PATH COUNT | socket_latency --echo SOCKET BYTES\n";
  return 64;
}
