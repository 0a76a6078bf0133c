// Fakes of the two things that are virtual: programs and time.
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "system/clock.h"
#include "system/runner.h"

namespace fettle::test {

// Answers in the announced order. A program that nobody announced, or one left over, fails the test.
class FakeRunner final : public system::Runner {
 public:
  ~FakeRunner() override {
    for (const auto& [prefix, answer] : expected_) FAIL_CHECK("never run: ", prefix);
  }

  // `prefix` is the beginning of the command line as to_text() prints it.
  FakeRunner& expect(std::string prefix, Result<system::Completed> answer = system::Completed{}) {
    expected_.emplace_back(std::move(prefix), std::move(answer));
    return *this;
  }

  Result<system::Completed> run(const system::Command& command) override {
    const std::string line = system::to_text(command);
    ran.push_back(command);
    if (expected_.empty() || line.rfind(expected_.front().first, 0) != 0) {
      FAIL_CHECK("nobody announced: ", line,
                 " (next: ", expected_.empty() ? "nothing" : expected_.front().first, ")");
      return fail(Why::failed, "cannot run '" + line + "': not announced");
    }
    auto answer = std::move(expected_.front().second);
    expected_.pop_front();
    return answer;
  }

  Result<system::Completed> run_watched(const system::Command& command,
                                        const std::function<system::Verdict()>& watch) override {
    if (watch() == system::Verdict::stop)
      return fail(Why::refused, "cannot finish: it was stopped on request");
    return run(command);
  }

  std::vector<system::Command> ran;

 private:
  std::deque<std::pair<std::string, Result<system::Completed>>> expected_;
};

// Starts at a fixed instant; sleeping moves it and takes no time.
class FakeClock final : public system::Clock {
 public:
  std::chrono::system_clock::time_point now() const override { return start_ + passed_; }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(passed_);
  }
  void sleep_for(std::chrono::milliseconds time) override { passed_ += time; }

 private:
  std::chrono::system_clock::time_point start_{std::chrono::seconds(1764000000)};  // 2025-11-24 16:00:00 UTC
  std::chrono::milliseconds passed_{0};
};

}  // namespace fettle::test
