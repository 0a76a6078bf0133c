#include "system/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// Process v2 of Boost 1.81 with std::filesystem forgets these; 1.83 does not need them.
#include <boost/optional.hpp>
#include <boost/type_traits/is_constructible.hpp>
#include <boost/type_traits/is_convertible.hpp>
#include <boost/type_traits/remove_pointer.hpp>

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/stdio.hpp>
#include <cerrno>

namespace fettle::system {
namespace {

namespace asio = boost::asio;
namespace process = boost::process::v2;
using namespace std::chrono_literals;

constexpr Bytes output_limit = 8_MiB;
constexpr auto grace_after_sigterm = 10s;
// A process that waits for a dead drive does not even die of SIGKILL.
constexpr auto grace_after_sigkill = 2s;
constexpr auto watch_interval = 1s;

// The whole environment of the child, nothing inherited.
class Environment {
 public:
  explicit Environment(const Command& command) {
    auto env = command.env;
    env.emplace("LC_ALL", "C.UTF-8");
    env.emplace("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    for (const auto& [name, value] : env) entries_.emplace_back(name).append("=").append(value);
    for (const std::string& entry : entries_) pointers_.push_back(entry.c_str());
    pointers_.push_back(nullptr);
  }

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

// Reads one of the child's pipes to its end, keeping the first output_limit bytes.
class Collector {
 public:
  explicit Collector(asio::io_context& loop) : pipe_(loop) {}

  asio::readable_pipe& pipe() { return pipe_; }

  void start() {
    pipe_.async_read_some(asio::buffer(chunk_), [this](boost::system::error_code err, std::size_t got) {
      keep({chunk_.data(), got});
      if (!err) start();
    });
  }

  void close() {
    boost::system::error_code ignored;
    pipe_.close(ignored);
  }

  std::string take() {
    if (cut_) text_ += "\n[cut after " + fettle::to_text(output_limit) + "]\n";
    return std::move(text_);
  }

 private:
  void keep(std::string_view got) {
    const std::size_t room = output_limit.count - text_.size();
    cut_ = cut_ || got.size() > room;
    text_.append(got.substr(0, room));
  }

  asio::readable_pipe pipe_;
  std::array<char, 65536> chunk_{};
  std::string text_;
  bool cut_ = false;
};

int exit_code_of(int native) {
  if (WIFSIGNALED(native)) return 128 + WTERMSIG(native);
  return WIFEXITED(native) ? WEXITSTATUS(native) : native;
}

enum class Ending { by_itself, deadline, stopped };
enum class Gone { yes, no };

class BoostRunner final : public Runner {
 public:
  Result<Completed> run(const Command& command) override { return start(command, nullptr); }

  Result<Completed> run_watched(const Command& command, const std::function<Verdict()>& watch) override {
    return start(command, &watch);
  }

  Result<Completed> replace_self(const Command& command) override {
    if (auto error = why_not(command)) return fail(std::move(*error));
    std::vector<std::string> words = command.argv;
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const Environment environment(command);
    ::execve(pointers[0], pointers.data(), const_cast<char* const*>(environment.pointers()));
    return fail(cannot("run", command.argv[0], errno));
  }

 private:
  static std::optional<Error> why_not(const Command& command) {
    if (command.argv.empty() || command.argv[0].empty() || command.argv[0][0] != '/') {
      return Error{Why::refused, "cannot run '" + to_text(command) + "': a program needs an absolute path",
                   ""};
    }
    if (::access(command.argv[0].c_str(), X_OK) != 0) return cannot("run", command.argv[0], errno);
    return std::nullopt;
  }

  static Result<Completed> start(const Command& command, const std::function<Verdict()>* watch) {
    if (auto error = why_not(command)) return fail(std::move(*error));
    try {
      return start_unchecked(command, watch);
    } catch (const boost::system::system_error& error) {
      return fail(cannot("run", command.argv[0], error.code().value()));
    }
  }

  static Result<Completed> start_unchecked(const Command& command, const std::function<Verdict()>* watch) {
    asio::io_context loop;
    Collector out(loop);
    Collector err(loop);
    const std::vector<std::string> arguments(command.argv.begin() + 1, command.argv.end());
    process::process child(loop, command.argv[0], arguments,
                           process::process_stdio{nullptr, out.pipe(), err.pipe()}, Environment(command),
                           OwnGroup{});
    const pid_t group = child.id();
    ::setpgid(group, group);  // whichever of parent and child is first: no window in which a kill misses
    out.start();
    err.start();

    Ending ending = Ending::by_itself;
    Gone gone = Gone::no;
    asio::steady_timer deadline(loop, command.deadline);
    asio::steady_timer asking(loop);
    const auto end_group = [&](Ending why) {
      ending = why;
      asking.cancel();
      ::kill(-group, SIGTERM);
      ::kill(-group, SIGCONT);  // a paused one hears of it only then
      deadline.expires_after(grace_after_sigterm);
      deadline.async_wait([&, group](boost::system::error_code cancelled) {
        if (cancelled) return;
        ::kill(-group, SIGKILL);
        deadline.expires_after(grace_after_sigkill);
        deadline.async_wait([&](boost::system::error_code also_cancelled) {
          if (!also_cancelled) loop.stop();
        });
      });
    };
    deadline.async_wait([&](boost::system::error_code cancelled) {
      if (!cancelled) end_group(Ending::deadline);
    });
    Verdict before = Verdict::go_on;
    const std::function<void()> ask = [&] {
      asking.expires_after(watch_interval);
      asking.async_wait([&](boost::system::error_code cancelled) {
        if (cancelled) return;
        const Verdict verdict = (*watch)();
        if (verdict == Verdict::stop) {
          deadline.cancel();
          end_group(Ending::stopped);
          return;
        }
        if (verdict != before) ::kill(-group, verdict == Verdict::pause ? SIGSTOP : SIGCONT);
        before = verdict;
        ask();
      });
    };
    if (watch != nullptr) ask();

    child.async_wait([&](boost::system::error_code, int) {
      gone = Gone::yes;
      deadline.cancel();
      asking.cancel();
      // A grandchild may hold the pipes open for ever: what is left of the group ends with the child.
      ::kill(-group, SIGKILL);
    });
    loop.run();

    if (gone == Gone::no) {
      child.detach();  // nobody waits for it any more
      return fail(Why::timed_out, "cannot finish '" + to_text(command) + "' within " +
                                      std::to_string(command.deadline.count()) +
                                      " s: it hangs in the kernel, where nothing can end it");
    }
    if (ending == Ending::deadline) {
      return fail(Why::timed_out, "cannot finish '" + to_text(command) + "' within " +
                                      std::to_string(command.deadline.count()) + " s: it was stopped");
    }
    if (ending == Ending::stopped) {
      return fail(Why::refused, "cannot finish '" + to_text(command) + "': it was stopped on request");
    }
    return Completed{exit_code_of(child.native_exit_code()), out.take(), err.take()};
  }
};

}  // namespace

std::unique_ptr<Runner> make_runner() {
  return std::make_unique<BoostRunner>();
}

std::string to_text(const Command& command) {
  std::string text;
  for (const std::string& word : command.argv) {
    if (!text.empty()) text += ' ';
    const bool plain =
        !word.empty() && word.find_first_of(" \t\n\"'\\$`&|;<>()*?[]{}~#!") == std::string::npos;
    if (plain) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += '\'';
  }
  return text;
}

}  // namespace fettle::system
