#include "app/pace.h"

namespace fettle::app {

Pace::May Pace::may_tell(std::string_view id, std::chrono::steady_clock::time_point now) {
  auto found = windows_.find(id);
  if (found == windows_.end()) found = windows_.emplace(id, Window{now}).first;
  Window& window = found->second;
  const bool was_held = window.is_held;
  if (now - window.began >= pace_time) window = Window{now};
  if (window.told >= changes_told) {
    window.is_held = true;
    return May::hold;
  }
  ++window.told;
  return was_held ? May::tell_after_a_rest : May::tell;
}

}  // namespace fettle::app
