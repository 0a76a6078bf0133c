#include "system/runner.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/tree.h"

using namespace fettle;
using namespace fettle::system;
using namespace std::chrono_literals;

TEST_CASE("runner: a watched child that is paused stands still, goes on, and can be ended while it stands") {
  // Its own state as the kernel tells it: T while it is stopped.
  const auto state_of_child = [](const std::string& path) {
    std::string pid;
    std::getline(std::ifstream(path), pid);
    std::string text;
    std::getline(std::ifstream("/proc/" + pid + "/stat"), text);
    return text.empty() ? ' ' : text[text.rfind(')') + 2];
  };
  const fettle::test::Tree tree;
  const std::string pid_file = tree.root() + "/pid";
  const std::string script = "echo $$ > " + pid_file + "; while [ ! -e " + tree.root() +
                             "/go ]; do /bin/sleep 0.1; done; echo went on";
  const Command command{{"/bin/sh", "-c", script}, {}, 60s};
  std::string states;
  const auto done = make_runner()->run_watched(command, [&] {
    states += state_of_child(pid_file);
    if (states.size() == 1) return Verdict::pause;
    std::ofstream(tree.root() + "/go") << "";
    return Verdict::go_on;
  });
  REQUIRE(done);
  CHECK(done->out == "went on\n");
  REQUIRE(states.size() >= 2);
  CHECK(states[1] == 'T');
  std::filesystem::remove(tree.root() + "/go");
  int asked = 0;
  const auto ended =
      make_runner()->run_watched(command, [&] { return ++asked == 1 ? Verdict::pause : Verdict::stop; });
  REQUIRE_FALSE(ended);
  CHECK(ended.error().why == Why::refused);
}

TEST_CASE("runner: exit code, both outputs, and nothing inherited") {
  const auto runner = make_runner();
  const auto done =
      runner->run({{"/bin/sh", "-c", "echo out; echo err >&2; env; exit 3"}, {{"HELLO", "world"}}});
  REQUIRE(done);
  CHECK(done->exit_code == 3);
  CHECK(done->err == "err\n");
  CHECK(done->out.find("HELLO=world") != std::string::npos);
  CHECK(done->out.find("LC_ALL=C.UTF-8") != std::string::npos);
  CHECK(done->out.find("HOME=") == std::string::npos);
}

TEST_CASE("runner: a process becomes another program, whose end is its own") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    (void)make_runner()->replace_self(
        {{"/bin/sh", "-c", "echo $0-$HELLO-$HOME; exit 7", "it"}, {{"HELLO", "world"}}});
    ::_exit(1);
  }
  ::close(ends[1]);
  std::array<char, 64> told{};
  CHECK(::read(ends[0], told.data(), told.size() - 1) > 0);
  ::close(ends[0]);
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(std::string(told.data()) == "it-world-\n");
  CHECK(WEXITSTATUS(status) == 7);
  CHECK(make_runner()->replace_self({{"/none/such"}}).error().said ==
        "cannot run '/none/such': No such file or directory");
}

TEST_CASE("runner: a signal is not an exit code of 0") {
  const auto done = make_runner()->run({{"/bin/sh", "-c", "kill -9 $$"}});
  REQUIRE(done);
  CHECK(done->exit_code == 137);
}

TEST_CASE("runner: what cannot be started says why") {
  const auto runner = make_runner();
  CHECK(runner->run({{"sh"}}).error().said == "cannot run 'sh': a program needs an absolute path");
  CHECK(runner->run({{"/none/such"}}).error().said == "cannot run '/none/such': No such file or directory");
}

TEST_CASE("runner: a missed deadline ends the child and its children") {
  const auto begin = std::chrono::steady_clock::now();
  const auto done = make_runner()->run({{"/bin/sh", "-c", "sleep 100 & sleep 100"}, {}, 1s});
  REQUIRE_FALSE(done);
  CHECK(done.error().why == Why::timed_out);
  CHECK(std::chrono::steady_clock::now() - begin < 60s);
}

TEST_CASE("runner: a background grandchild does not hold the caller") {
  const auto done = make_runner()->run({{"/bin/sh", "-c", "sleep 100 & echo started"}, {}, 30s});
  REQUIRE(done);
  CHECK(done->out == "started\n");
}

TEST_CASE("runner: the watcher can stop a program") {
  const auto done =
      make_runner()->run_watched({{"/bin/sleep", "100"}, {}, 60s}, [] { return Verdict::stop; });
  REQUIRE_FALSE(done);
  CHECK(done.error().why == Why::refused);
}

TEST_CASE("runner: command lines are printed as a person would type them") {
  CHECK(to_text(Command{{"/sbin/mkfs.xfs", "-L", "two words", "it's"}}) ==
        "/sbin/mkfs.xfs -L 'two words' 'it'\\''s'");
}
