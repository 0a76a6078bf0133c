#include "health/checks.h"

#include <array>

#include "health/gpu_devices.h"
#include "health/gpus.h"
#include "health/host.h"
#include "health/kernel_log.h"
#include "health/next_boot.h"
#include "health/software.h"

namespace fettle::health {
namespace {

constexpr std::array table{
    Check{"os.release", "operating system release", &os_release},
    Check{"os.kernel", "kernel series", &os_kernel},
    Check{"driver.amdgpu", "amdgpu kernel module", &driver_amdgpu},
    Check{"driver.release", "amdgpu driver release", &driver_release},
    Check{"rocm.version", "ROCm release of the host", &rocm_version},
    Check{"driver.next_boot", "driver for the kernel of the next boot", &driver_next_boot},
    Check{"compat.stack", "system, kernel, driver and ROCm together", &compat_stack},
    Check{"gpu.count", "number of GPUs", &gpu_count},
    Check{"gpu.model", "model of the GPUs", &gpu_model},
    Check{"gpu.cards", "GPUs of PCI, DRM and KFD agree", &gpu_cards},
    Check{"gpu.partition", "partition modes of the GPUs", &gpu_partition},
    Check{"gpu.memory", "memory of the GPUs", &gpu_memory},
    Check{"gpu.pcie", "PCIe links of the GPUs", &gpu_pcie},
    Check{"gpu.xgmi", "xGMI links among the GPUs", &gpu_xgmi},
    Check{"ras.errors", "memory and engine errors of the GPUs", &ras_errors},
    Check{"ras.pages", "bad memory pages of the GPUs", &ras_pages},
    Check{"ras.bus", "PCIe errors of the GPUs", &ras_bus},
    Check{"log.gpu", "GPU resets and hangs in the kernel log", &log_gpu},
    Check{"log.ras", "GPU hardware errors in the kernel log", &log_ras},
    Check{"log.bus", "PCIe errors in the kernel log", &log_bus},
    Check{"log.storage", "drives and file systems in the kernel log", &log_storage},
    Check{"log.host", "host memory and kernel faults in the kernel log", &log_host},
    Check{"host.cpus", "processors of the host", &host_cpus},
    Check{"host.memory", "memory of the host", &host_memory},
    Check{"host.swap", "swap", &host_swap},
    Check{"host.root", "room on the root file system", &host_root},
    Check{"host.clock", "clock kept right by somebody", &host_clock},
    Check{"host.infiniband", "InfiniBand ports", &host_infiniband},
    Check{"host.groups", "users who may open the GPUs", &host_groups},
};

consteval bool ids_are_unique() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    for (std::size_t j = i + 1; j < table.size(); ++j) {
      if (table[i].id == table[j].id) return false;
    }
  }
  return true;
}
static_assert(ids_are_unique());

}  // namespace

std::span<const Check> checks() {
  return table;
}

Findings run(const facts::Facts& facts, const profile::Profile& profile,
             std::chrono::system_clock::time_point now) {
  Findings findings;
  for (const Check& check : table) {
    findings.push_back({std::string(check.id), std::string(check.title), check.look(facts, profile), now});
  }
  return findings;
}

}  // namespace fettle::health
