// The checks of operating system, kernel, driver and ROCm; rows of the table in checks.cpp.
#pragma once

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"

namespace fettle::health {

Finding os_release(const facts::Facts& facts, const profile::Profile& profile);
Finding os_kernel(const facts::Facts& facts, const profile::Profile& profile);
Finding driver_amdgpu(const facts::Facts& facts, const profile::Profile& profile);
Finding driver_release(const facts::Facts& facts, const profile::Profile& profile);
Finding rocm_version(const facts::Facts& facts, const profile::Profile& profile);
Finding compat_stack(const facts::Facts& facts, const profile::Profile& profile);

}  // namespace fettle::health
