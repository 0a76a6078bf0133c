// Pace: how often one check may be news. One that flaps with each look would fill the journal and the events,
// and hide all others.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace fettle::app {

// So many changes of one check are told in this time; what it is after that is told when the time is over.
inline constexpr std::chrono::seconds pace_time{60};
inline constexpr unsigned changes_told = 6;

class Pace {
 public:
  // hold: ask again with the next look. tell_after_a_rest: changes before this one were held.
  enum class May { tell, tell_after_a_rest, hold };

  May may_tell(std::string_view id, std::chrono::steady_clock::time_point now);

 private:
  struct Window {
    std::chrono::steady_clock::time_point began;
    unsigned told = 0;
    bool is_held = false;
  };
  std::map<std::string, Window, std::less<>> windows_;  // as many as there are checks
};

}  // namespace fettle::app
