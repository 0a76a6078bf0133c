#include "system/runner_loaded.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::system;
using namespace std::chrono_literals;

namespace {

// What a program of Python can do at its end, by its first word. Its first line of output is who forked it.
constexpr const char* program = R"(#!/usr/bin/env python3
import os, signal, subprocess, sys, time
import counted
print(os.getppid(), flush=True)
how = sys.argv[1]
print(sys.argv[1:], __name__, sys.stdin.read(), os.environ.get("HELLO"), os.getpgrp() == os.getpid(), flush=True)
print("words", file=sys.stderr)
if how == "code":
    sys.exit(int(sys.argv[2]))
if how == "text":
    sys.exit("a last word")
if how == "error":
    raise OSError(28, "No space left on device")
if how == "signal":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "grandchild":
    subprocess.Popen(["sleep", "100"])
if how == "loader":
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(100)
if how == "sleep":
    print("asleep", file=open(sys.argv[2], "w"))
    time.sleep(100)
)";

struct Node {
  Node() {
    tree.file("/program", program)
        .file("/counted.py", "print('.', file=open('" + tree.root() + "/count', 'a'))\n");
    std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
  }

  std::string path() const { return tree.root() + "/program"; }
  Command command(std::vector<std::string> words) const {
    words.insert(words.begin(), path());
    return {std::move(words),
            {{"HELLO", "world"}, {"PYTHONPATH", tree.root()}, {"PYTHONDONTWRITEBYTECODE", "1"}},
            60s};
  }
  std::size_t imports() const { return lines(tree.read("/count")).size(); }

  test::Tree tree;
  std::unique_ptr<Runner> plain = make_runner();
};

pid_t forked_by(const Completed& done) {
  return to_number<pid_t>(lines(done.out).at(0)).value_or(0);
}

std::string without_first_line(const std::string& text) {
  return text.substr(text.find('\n') + 1);
}

bool is_there(pid_t pid) {
  std::string text;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), text);
  return !text.empty() && text[text.rfind(')') + 2] != 'Z';
}

}  // namespace

TEST_CASE(
    "runner: a program that is kept loaded says the same and ends as it does alone, and is loaded once") {
  const Node node;
  const auto loaded = node.plain->keeping_loaded({"counted", "no_such_module"});
  REQUIRE(loaded);
  pid_t first = 0;
  std::size_t plain_imports = 0;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"code", "0"},
                                             {"code", "3", "", "two words", "z\xc3\xa4h", "\xff"},
                                             {"text"},
                                             {"error"},
                                             {"signal"},
                                             {"grandchild"}}) {
    CAPTURE(words[0]);
    const Command command = node.command(words);
    const auto alone = node.plain->run(command);
    ++plain_imports;
    const auto forked = loaded->run_watched(command, [] { return Verdict::go_on; });
    REQUIRE(alone);
    REQUIRE(forked);
    CHECK(forked->exit_code == alone->exit_code);
    CHECK(without_first_line(forked->out) == without_first_line(alone->out));
    CHECK(forked->out.find("__main__  world True") != std::string::npos);
    CHECK(lines(forked->err).back() == lines(alone->err).back());
    CHECK(forked_by(*alone) == ::getpid());
    if (first == 0) first = forked_by(*forked);
    CHECK(forked_by(*forked) == first);
  }
  CHECK(first != ::getpid());
  CHECK(node.imports() == plain_imports + 1);
}

TEST_CASE("runner: a kept program is paused, stopped and overdue as any other, and runs again after it") {
  const Node node;
  auto loaded = node.plain->keeping_loaded({"counted"});
  const std::string begun = node.tree.root() + "/begun";
  const Command command = node.command({"sleep", begun});
  int paused = 0;
  const auto stopped = loaded->run_watched(command, [&] {
    if (!std::filesystem::exists(begun)) return Verdict::go_on;
    return ++paused == 1 ? Verdict::pause : Verdict::stop;
  });
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().why == Why::refused);
  Command overdue = command;
  overdue.deadline = 1s;
  const auto late = loaded->run(overdue);
  REQUIRE_FALSE(late);
  CHECK(late.error().why == Why::timed_out);
  const auto again = loaded->run(node.command({"code", "0"}));
  REQUIRE(again);
  CHECK(again->exit_code == 0);
  CHECK(forked_by(*again) != ::getpid());
  CHECK(node.imports() == 1);
}

TEST_CASE("runner: the loaded interpreter is killed: so is what it forked, and the next run loads it anew") {
  const Node node;
  auto loaded = node.plain->keeping_loaded({"counted"});
  const auto killed = loaded->run(node.command({"loader"}));
  REQUIRE(killed);
  CHECK(killed->exit_code == 137);
  const auto again = loaded->run(node.command({"code", "0"}));
  REQUIRE(again);
  CHECK(forked_by(*again) != forked_by(*killed));
  CHECK(forked_by(*again) != ::getpid());
  const pid_t pid = forked_by(*again);
  // Killed between two runs: the next is run as any other program is.
  CHECK(::kill(pid, SIGKILL) == 0);
  const auto between = loaded->run(node.command({"code", "4"}));
  REQUIRE(between);
  CHECK(between->exit_code == 4);
  const auto last = loaded->run(node.command({"code", "0"}));
  REQUIRE(last);
  CHECK(forked_by(*last) != ::getpid());
  loaded.reset();
  CHECK_FALSE(is_there(forked_by(*last)));
}

TEST_CASE("runner: whoever keeps a program loaded is killed: the program and what it forked end too") {
  const Node node;
  const std::string begun = node.tree.root() + "/begun";
  const pid_t keeper = ::fork();
  REQUIRE(keeper >= 0);
  if (keeper == 0) {
    const auto loaded = node.plain->keeping_loaded({"counted"});
    (void)loaded->run_watched(node.command({"sleep", begun}), [&] {
      if (std::filesystem::exists(begun)) ::kill(::getpid(), SIGKILL);
      return Verdict::go_on;
    });
    ::_exit(0);
  }
  int status = 0;
  CHECK(::waitpid(keeper, &status, 0) == keeper);
  CHECK(WIFSIGNALED(status));
  // Nobody may still run this program; the kernel ends them one after the other.
  const auto runs = [&] {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream in(entry.path() / "cmdline", std::ios::binary);
      const std::string line((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
      if (line.find(node.path()) != std::string::npos) return true;
    }
    return false;
  };
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (runs() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  CHECK_FALSE(runs());
}

TEST_CASE("runner: what cannot be kept loaded is run as any other program") {
  Node node;
  SUBCASE("a module that cannot be loaded") {
    node.tree.file("/counted.py", "import sys\nif 'program' not in sys.argv[0]: sys.exit(1)\n");
  }
  SUBCASE("a module that starts a thread") {
    node.tree.file("/counted.py",
                   "import threading, time\n"
                   "threading.Thread(target=time.sleep, args=[60], daemon=True).start()\n");
  }
  SUBCASE("an interpreter that is not there") {
    node.tree.file("/program", "#!/none/such/python3\n");
    const auto loaded = node.plain->keeping_loaded({"counted"});
    const auto done = loaded->run(node.command({"code", "0"}));
    CHECK(done.has_value() == node.plain->run(node.command({"code", "0"})).has_value());
    return;
  }
  const auto loaded = node.plain->keeping_loaded({"counted"});
  for (const char* code : {"0", "5"}) {
    const auto done = loaded->run(node.command({"code", code}));
    REQUIRE(done);
    CHECK(std::to_string(done->exit_code) == code);
    CHECK(forked_by(*done) == ::getpid());
  }
}

TEST_CASE("runner: another environment and another program are not those that were loaded") {
  const Node node;
  const auto loaded = node.plain->keeping_loaded({"counted"});
  REQUIRE(forked_by(*loaded->run(node.command({"code", "0"}))) != ::getpid());
  Command other = node.command({"code", "0"});
  other.env["HELLO"] = "moon";
  const auto done = loaded->run(other);
  REQUIRE(done);
  CHECK(forked_by(*done) == ::getpid());
  CHECK(done->out.find("moon") != std::string::npos);
  CHECK(loaded->run({{"/bin/sh", "-c", "exit 6"}, other.env})->exit_code == 6);
  CHECK(loaded->run({{"/none/such", "word"}, other.env}).error().said ==
        "cannot run '/none/such': No such file or directory");
}

TEST_CASE("runner: the first line of a script tells whether Python runs it") {
  using Words = std::vector<std::string>;
  CHECK(python_of("#!/opt/fettle/hf/bin/python3") == Words{"/opt/fettle/hf/bin/python3"});
  CHECK(python_of("#! /usr/bin/python3 -sE \r") == Words{"/usr/bin/python3", "-sE"});
  CHECK(python_of("#!/usr/bin/env python3.12") == Words{"/usr/bin/env", "python3.12"});
  for (const char* line :
       {"", "#!", "#!/bin/sh", "#!python3", "#!/usr/bin/env bash", "#!/usr/bin/env", "/usr/bin/python3",
        "\x7f"
        "ELF",
        "#!/usr/bin/env -S python3 -E"}) {
    CAPTURE(line);
    CHECK(python_of(line).empty());
  }
}
