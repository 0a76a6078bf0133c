#include "system/urgency.h"

#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace fettle::system {

void set_urgency(Urgency urgency) {
  if (urgency == Urgency::normal) return;
  // On Linux 0 stands for the calling thread, not for the process.
  ::setpriority(PRIO_PROCESS, 0, 19);
  ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

}  // namespace fettle::system
