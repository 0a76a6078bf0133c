// Clock: time is passed in, so that tests decide what time it is and nothing sleeps in them.
#pragma once

#include <chrono>
#include <thread>

namespace fettle::system {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock, for display only: it may jump, and a first boot often has it wrong.
  virtual std::chrono::system_clock::time_point now() const = 0;
  // Counts on from boot; deadlines use this one.
  virtual std::chrono::steady_clock::time_point steady() const = 0;
  virtual void sleep_for(std::chrono::milliseconds time) = 0;
};

class RealClock final : public Clock {
 public:
  std::chrono::system_clock::time_point now() const override { return std::chrono::system_clock::now(); }
  std::chrono::steady_clock::time_point steady() const override { return std::chrono::steady_clock::now(); }
  void sleep_for(std::chrono::milliseconds time) override { std::this_thread::sleep_for(time); }
};

}  // namespace fettle::system
