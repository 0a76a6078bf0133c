#include "serve/deadlines.h"

#include <algorithm>
#include <vector>

namespace fettle::serve {

void Deadlines::set(Watched& watched, Time at) {
  watched.at_ = at;
  if (at < armed_) arm(at);
}

void Deadlines::forget(Watched* watched) {
  all_.erase(watched);
  if (!all_.empty()) return;
  armed_ = Time::max();
  timer_.cancel();
}

void Deadlines::arm(Time at) {
  armed_ = at;
  timer_.expires_at(at);
  timer_.async_wait([this](const boost::system::error_code& err) {
    if (!err) on_time();  // cancelled: armed anew, or nobody is left to be watched
  });
}

void Deadlines::on_time() {
  const Time now = std::chrono::steady_clock::now();
  std::vector<Watched*> due;
  Time next = Time::max();
  for (Watched* const watched : all_) {
    if (watched->at_ <= now) {
      watched->at_ = Time::max();
      due.push_back(watched);
    }
    next = std::min(next, watched->at_);
  }
  armed_ = Time::max();
  if (next != Time::max()) arm(next);
  for (Watched* const watched : due) {
    if (all_.count(watched) != 0) watched->on_deadline();
  }
}

}  // namespace fettle::serve
