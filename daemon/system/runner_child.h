// RunnerChild: what the runner does with a child once it runs: collects what it says, keeps its deadline, and
// asks the watcher, until somebody tells that it ended.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "system/runner.h"

namespace fettle::system {

// The whole environment of the child, nothing inherited.
class Environment {
 public:
  explicit Environment(const Command& command);

  template <class Launcher>
  boost::system::error_code on_setup(Launcher& launcher, const std::filesystem::path&,
                                     const char* const*) const {
    launcher.env = pointers_.data();
    return {};
  }

  const char* const* pointers() const { return pointers_.data(); }

 private:
  std::vector<std::string> entries_;
  std::vector<const char*> pointers_;
};

// Runs in the child between fork and exec: async-signal-safe calls only.
struct OwnGroup {
  template <class Launcher>
  boost::system::error_code on_exec_setup(Launcher&, const std::filesystem::path&, const char* const*) const {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    return {};
  }
};

// Reads one of the child's pipes to its end, keeping the first 8 MiB.
class Collector {
 public:
  explicit Collector(boost::asio::io_context& loop) : pipe_(loop) {}

  boost::asio::readable_pipe& pipe() { return pipe_; }
  void start();
  std::string take();

 private:
  void keep(std::string_view got);

  boost::asio::readable_pipe pipe_;
  std::array<char, 65536> chunk_{};
  std::string text_;
  bool cut_ = false;
};

class RunnerChild {
 public:
  // Both outlive it; without a watcher it is nullptr.
  RunnerChild(const Command& command, const std::function<Verdict()>* watch);

  boost::asio::io_context& loop() { return loop_; }
  boost::asio::readable_pipe& out() { return out_.pipe(); }
  boost::asio::readable_pipe& err() { return err_.pipe(); }

  // It runs, in this process group; a second time when another group goes on in its place.
  void begin(pid_t group);
  // As exit_code of Completed. What is left of its group ends with it.
  void ended(int exit_code);
  // Runs the loop to the end of the child, or until it is given up.
  Result<Completed> wait();
  // Nobody ended it, and nobody told of its end.
  bool is_left_behind() const { return !exit_code_; }

 private:
  enum class Ending { by_itself, deadline, stopped };
  void ask();
  void end_group(Ending why);

  const Command& command_;
  const std::function<Verdict()>* watch_;
  boost::asio::io_context loop_;
  Collector out_;
  Collector err_;
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer asking_;
  pid_t group_ = 0;
  Verdict before_ = Verdict::go_on;
  Ending ending_ = Ending::by_itself;
  std::optional<int> exit_code_;
};

}  // namespace fettle::system
