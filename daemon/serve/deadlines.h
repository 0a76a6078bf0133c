// Deadlines: one timer for all connections of a server. A timer each would cost more than the answers do: a
// request that comes in one piece and leaves in one piece touches no timer at all.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <set>
#include <utility>

namespace fettle::serve {

class Deadlines {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Something with a deadline; on_deadline() comes on the loop's thread, once, and not before the deadline.
  class Watched {
   public:
    explicit Watched(std::shared_ptr<Deadlines> deadlines) : deadlines_(std::move(deadlines)) {
      deadlines_->all_.insert(this);
    }
    virtual ~Watched() { deadlines_->forget(this); }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

   protected:
    void set_deadline(Time at) { deadlines_->set(*this, at); }
    virtual void on_deadline() = 0;

   private:
    friend class Deadlines;
    std::shared_ptr<Deadlines> deadlines_;
    Time at_ = Time::max();
  };

  explicit Deadlines(boost::asio::io_context& loop) : timer_(loop) {}

 private:
  void set(Watched& watched, Time at);
  void forget(Watched* watched);
  void arm(Time at);
  void on_time();

  std::set<Watched*> all_;  // as many as there are connections: a hundred
  boost::asio::steady_timer timer_;
  Time armed_ = Time::max();  // the timer may fire early, never late
};

}  // namespace fettle::serve
