// Random names for what we make: chosen before the first write, so that what a killed run left can be told
// from everything else.
#pragma once

#include <string>

#include "base/result.h"

namespace fettle::system {

// A UUID of version 4: "3b0a5f0c-7a53-4d0e-9c1e-0d6f3a4b5c6d". Waits until the kernel has gathered entropy.
Result<std::string> random_uuid();

}  // namespace fettle::system
