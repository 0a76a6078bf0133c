// System: the machine as the rooms see it.
#pragma once

#include "system/clock.h"
#include "system/files.h"
#include "system/runner.h"

namespace fettle::system {

struct System {
  const Files& files;
  Runner& runner;
  Clock& clock;
};

}  // namespace fettle::system
