// ServedNode: a daemon of one fixed snapshot, and the command line beside it.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <sstream>
#include <thread>

#include "cli/command.h"
#include "serve/server.h"
#include "support/fakes.h"
#include "support/tree.h"

namespace fettle::test {

class ServedNode {
 public:
  ServedNode() = default;
  explicit ServedNode(const serve::Inputs& inputs) {
    auto sockets = serve::open_sockets(tree.files());
    REQUIRE(sockets);
    serve::Hooks hooks;
    hooks.acknowledge = [this](const serve::Acknowledge& asked, const serve::Peer&) {
      acknowledged.push_back(asked);
    };
    hooks.withdraw = [this](const std::string& check, const serve::Peer&) { withdrawn.push_back(check); };
    hooks.log_level = [this](std::string_view level, const serve::Peer&) { log_levels.emplace_back(level); };
    server_.emplace(loop_, real_, serve::Limits{}, std::move(hooks));
    server_->listen(std::move(sockets->status), serve::Socket::status);
    server_->listen(std::move(sockets->control), serve::Socket::control);
    server_->publish(std::make_shared<const serve::Snapshot>(inputs));
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~ServedNode() {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }

  int run(cli::Run command, const std::vector<std::string>& arguments,
          cli::Format format = cli::Format::text) {
    out.str({});
    err.str({});
    cli::Context context{{tree.files(), runner_, clock}, format, out, err};
    return command(context, arguments);
  }

  void happen(std::vector<store::Event> events) {
    boost::asio::post(loop_, [this, happened = std::move(events)] { server_->add_events(happened); });
  }

  Tree tree;
  FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  // What was asked for on the control socket; read it after the answer came.
  std::vector<serve::Acknowledge> acknowledged;
  std::vector<std::string> withdrawn;
  std::vector<std::string> log_levels;

 private:
  FakeRunner runner_;
  system::RealClock real_;
  boost::asio::io_context loop_;
  std::optional<serve::Server> server_;
  std::thread thread_;
};

}  // namespace fettle::test
