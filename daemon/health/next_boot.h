// Will the kernel that the next boot takes have the driver?
#pragma once

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"

namespace fettle::health {

Finding driver_next_boot(const facts::Facts& facts, const profile::Profile& profile);

}  // namespace fettle::health
