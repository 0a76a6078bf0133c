#include "system/runner.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "system/runner_child.h"
#include "system/runner_loaded.h"
#include "system/runner_process.h"

namespace fettle::system {
namespace {

namespace process = boost::process::v2;

int exit_code_of(int native) {
  if (WIFSIGNALED(native)) return 128 + WTERMSIG(native);
  return WIFEXITED(native) ? WEXITSTATUS(native) : native;
}

class BoostRunner final : public Runner {
 public:
  Result<Completed> run(const Command& command) override { return start(command, nullptr); }

  Result<Completed> run_watched(const Command& command, const std::function<Verdict()>& watch) override {
    return start(command, &watch);
  }

  std::unique_ptr<Runner> keeping_loaded(std::vector<std::string> modules) override {
    return make_loaded_runner(*this, std::move(modules));
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
    RunnerChild child(command, watch);
    const std::vector<std::string> arguments(command.argv.begin() + 1, command.argv.end());
    process::process started(child.loop(), command.argv[0], arguments,
                             process::process_stdio{nullptr, child.out(), child.err()}, Environment(command),
                             OwnGroup{});
    const pid_t group = started.id();
    ::setpgid(group, group);  // whichever of parent and child is first: no window in which a kill misses
    child.begin(group);
    started.async_wait(
        [&](boost::system::error_code, int) { child.ended(exit_code_of(started.native_exit_code())); });
    auto end = child.wait();
    if (child.is_left_behind()) started.detach();  // nobody waits for it any more
    return end;
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
