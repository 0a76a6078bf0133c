// Kernel log: the rules of the profile against each record that came since the last look, counted by rule and
// device.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "facts/kernel_log.h"
#include "profile/profile.h"
#include "system/files.h"

namespace fettle::collect {

// Goes on where `before` ended, when that was in this boot and with these rules; else from the oldest record
// that the kernel still has. A log that cannot be read is an error in the result, which then keeps what was
// found before.
facts::KernelLog look_at_kernel_log(const system::Files& files, const std::vector<profile::LogRule>& rules,
                                    const Result<std::string>& boot_id, const facts::Stamp& stamp,
                                    const Result<facts::KernelLog>& before);

// The device that a line is about: the PCI address that the kernel gave with it, else the first PCI address,
// NVMe drive or array that the line names. Empty when there is none.
std::string device_of(std::string_view kernel_device, std::string_view message);

}  // namespace fettle::collect
