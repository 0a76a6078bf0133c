// A clock on which every look takes the same time: what measures gets the same figures on any machine.
#pragma once

#include <chrono>

#include "system/clock.h"

namespace fettle::test {

class TickingClock final : public system::Clock {
 public:
  explicit TickingClock(std::chrono::milliseconds tick) : tick_(tick) {}

  std::chrono::system_clock::time_point now() const override {
    return std::chrono::system_clock::time_point(passed_);
  }
  std::chrono::steady_clock::time_point steady() const override {
    passed_ += tick_;
    return std::chrono::steady_clock::time_point(passed_);
  }
  void sleep_for(std::chrono::milliseconds time) override { passed_ += time; }

 private:
  std::chrono::milliseconds tick_;
  mutable std::chrono::milliseconds passed_{0};
};

}  // namespace fettle::test
