#include "system/time_sync.h"

#include <sys/timex.h>

#include <cerrno>

namespace fettle::system {

Result<TimeSync> ask_time_sync() {
  timex question{};  // modes = 0: only read
  const int state = ::adjtimex(&question);
  if (state < 0) {
    return fail(
        why_of(errno), "cannot ask the kernel about its clock: " + system_text(errno),
        "a service with ProtectClock= may not; `fettle collect`, run by its timer, asks for the daemon");
  }
  const bool free = state == TIME_ERROR || (question.status & STA_UNSYNC) != 0;
  return free ? TimeSync::free_running : TimeSync::synchronised;
}

}  // namespace fettle::system
