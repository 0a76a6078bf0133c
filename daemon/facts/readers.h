// Readers: one for each field of Facts, one a file. They read and never judge.
#pragma once

#include <string_view>

#include "facts/facts.h"

namespace fettle::facts {

Result<Os> read_os(const system::Files& files);
Result<Kernel> read_kernel(const system::Files& files);
Result<Driver> read_driver(const system::Files& files);
Result<DriverPackage> read_driver_package(const system::Files& files);
Result<std::vector<Rocm>> read_rocm(const system::Files& files);
Result<std::vector<Gpu>> read_gpus_on_pci(const system::Files& files);
Result<std::vector<Card>> read_cards(const system::Files& files);
Result<std::vector<KfdDevice>> read_kfd(const system::Files& files);
Result<std::vector<GpuUser>> read_gpu_users(const system::Files& files);
Result<std::vector<SettingSource>> read_partition_sources(const system::Files& files);
Result<std::vector<Mount>> read_mounts(const system::Files& files);
Result<std::vector<Array>> read_arrays(const system::Files& files);
Result<Identity> read_identity(const system::Files& files);
Result<Bytes> read_memory(const system::Files& files);
Result<std::chrono::seconds> read_uptime(const system::Files& files);

Result<Hardware> read_hardware(const system::Files& files);
Result<Cpus> read_cpus(const system::Files& files);
Result<std::vector<Swap>> read_swaps(const system::Files& files);
// From the kernel, or else from what the collector, which may ask it, left; `uptime` is the node's.
Result<system::TimeSync> read_time_sync(const system::Files& files,
                                        const Result<std::chrono::seconds>& uptime);
Result<std::vector<InfinibandPort>> read_infiniband(const system::Files& files);
Result<GpuAccess> read_gpu_access(const system::Files& files);
// The newest kernel below /boot; settings of the host that the profile names.
Result<NextBoot> read_next_boot(const system::Files& files);
FoundSettings read_settings(const system::Files& files, const std::vector<profile::Setting>& wanted);
// Who sets one of them at boot or login.
Result<std::vector<SettingSource>> read_setting_sources(const system::Files& files,
                                                        const profile::Setting& wanted);

// Which drives are in use follows from the mounts, so drives fail when the mounts did: a drive that nobody
// could look at must not seem free.
Result<std::vector<Drive>> read_drives(const system::Files& files, const Result<std::vector<Mount>>& mounts);

// The parsers behind them, for tests and fuzzing; `file` names the text in errors.
Result<Os> parse_os_release(std::string_view text, std::string_view file);
Kernel parse_kernel_release(std::string_view release);
Result<std::vector<Mount>> parse_mountinfo(std::string_view text);
Result<RasCounts> parse_ras_counts(std::string_view text, std::string_view file);
Result<BadPages> parse_bad_pages(std::string_view text, std::string_view file);
// "1:6.14.14.30100200-2226257.24.04" -> module 6.14.14, release 30.10.2.
Result<DriverPackage> parse_driver_package(std::string_view version);

// Text with the octal escapes of mountinfo and swaps (\040 for a blank) decoded.
std::string unescape_octal(std::string_view text);

}  // namespace fettle::facts
