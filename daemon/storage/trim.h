// Trim: telling the drives which blocks of the cache hold nothing, so that they stay fast.
//
// Our own, because the distribution's fstrim.timer asks fstab, and our mount is not in it.
#pragma once

#include "base/result.h"
#include "facts/facts.h"
#include "profile/profile.h"
#include "storage/report.h"
#include "system/runner.h"

namespace fettle::storage {

// The command that trims the cache. missing when the profile wants no cache on drives, refused when what is
// mounted there is not the device that provisioning found, or cannot be written.
Result<system::Command> trim(const profile::Profile& profile, const facts::Facts& facts,
                             const Result<Report>& report);

}  // namespace fettle::storage
