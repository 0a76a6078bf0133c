// Pace: keeps a source to the bytes a second that the shelf's profile allows, by telling it when to wait.
#pragma once

#include <chrono>

#include "base/bytes.h"

namespace fettle::shelf {

class Pace {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  explicit Pace(Bytes rate) : rate_(rate) {}  // zero: as fast as it goes

  // A source begins to fetch; so much is on the disk already.
  void start(Bytes done, Moment now);

  // How long to wait now that so much is on the disk. Slow times give no credit for faster ones.
  std::chrono::milliseconds pause(Bytes done, Moment now);

 private:
  Bytes rate_;
  Bytes from_;
  Moment since_{};
};

}  // namespace fettle::shelf
