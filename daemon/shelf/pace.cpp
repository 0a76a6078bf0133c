#include "shelf/pace.h"

#include "shelf/verify.h"

namespace fettle::shelf {

void Pace::start(Bytes done, Moment now) {
  from_ = done;
  since_ = now;
}

std::chrono::milliseconds Pace::pause(Bytes done, Moment now) {
  // Less than before: an unfinished file was thrown away.
  if (done < from_) start(done, now);
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - since_);
  const auto wait = pause_of(done - from_, rate_, passed);
  if (wait.count() == 0) start(done, now);
  return wait;
}

}  // namespace fettle::shelf
