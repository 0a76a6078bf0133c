// Runner: the one way to other programs. Absolute path, argument list (no shell), whole environment,
// deadline.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace fettle::system {

struct Command {
  std::vector<std::string> argv;           // argv[0] is an absolute path
  std::map<std::string, std::string> env;  // the whole environment of the child; LC_ALL=C and PATH are added
  std::chrono::seconds deadline{30};       // then SIGTERM to its process group, 10 s later SIGKILL: timed_out
};

// A non-zero exit is a result, not an error: only the caller knows what 1 means.
struct Completed {
  int exit_code = 0;  // 128 + signal when a signal ended it
  std::string out;    // each cut after the first 8 MiB, with a note at the end
  std::string err;
};

// What the caller of run_watched decides each time it is asked.
enum class Verdict { go_on, pause, stop };

class Runner {
 public:
  virtual ~Runner() = default;

  // Error only when the program could not be started, or did not end before its deadline. A program that
  // hangs in the kernel and does not even die of SIGKILL is left behind 2 s later, with the same error.
  virtual Result<Completed> run(const Command& command) = 0;

  // As run(), asking `watch` about once a second whether to go on. Verdict::pause stops the whole process
  // group (SIGSTOP) until the next answer; its deadline goes on. Verdict::stop ends it like a missed deadline
  // does, and the result is refused.
  virtual Result<Completed> run_watched(const Command& command, const std::function<Verdict()>& watch) = 0;

  // Ends this process by becoming that program, with our terminal and without a deadline: for output that
  // goes on. Comes back only with an error; a fake runs it.
  virtual Result<Completed> replace_self(const Command& command) { return run(command); }

  // For a program of Python that is run again and again: a runner that loads its interpreter and these
  // modules once and forks for each run. Output, exit code, signals and limits are those of run() and
  // run_watched(); programs of other kinds, and other environments than the first one, are run as here. This
  // runner outlives it. Nothing where there is no such runner: a fake.
  virtual std::unique_ptr<Runner> keeping_loaded(std::vector<std::string>) { return nullptr; }
};

// Real children: own process group, standard input closed, no descriptor inherited. A child dies with its
// parent.
std::unique_ptr<Runner> make_runner();

// The command line as a person would type it, for plans and messages.
std::string to_text(const Command& command);

}  // namespace fettle::system
