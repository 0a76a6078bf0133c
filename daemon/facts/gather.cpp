// Looks at everything once.
#include "facts/readers.h"

namespace fettle::facts {

Facts gather(const system::Files& files) {
  Facts facts;
  facts.os = read_os(files);
  facts.kernel = read_kernel(files);
  facts.driver = read_driver(files);
  facts.driver_package = read_driver_package(files);
  facts.rocm = read_rocm(files);
  facts.gpus_on_pci = read_gpus_on_pci(files);
  facts.cards = read_cards(files);
  facts.kfd = read_kfd(files);
  if (facts.kfd) {
    facts.gpus_in_kfd = count_gpus(*facts.kfd);
  } else {
    facts.gpus_in_kfd = fail(facts.kfd.error());
  }
  facts.gpu_users = read_gpu_users(files);
  facts.mounts = read_mounts(files);
  facts.drives = read_drives(files, facts.mounts);
  facts.arrays = read_arrays(files);
  facts.identity = read_identity(files);
  facts.memory = read_memory(files);
  facts.uptime = read_uptime(files);
  facts.cache_trial = read_cache_trial(files, facts.uptime);
  facts.drive_trials = read_drive_trials(files, facts.uptime);
  facts.cache_usage = read_cache_usage(files, facts.uptime);
  facts.kernel_log = read_kernel_log(files, facts.uptime);
  facts.gpu_programs = read_gpu_programs(files, facts.uptime);
  facts.deep_trials = read_deep_trials(files);
  facts.engine_trials = read_engine_trials(files, facts.uptime);
  facts.hardware = read_hardware(files);
  facts.cpus = read_cpus(files);
  facts.swaps = read_swaps(files);
  facts.root_space = files.space("/");
  facts.time_sync = read_time_sync(files, facts.uptime);
  facts.infiniband = read_infiniband(files);
  facts.gpu_access = read_gpu_access(files);
  facts.next_boot = read_next_boot(files);
  return facts;
}

Facts gather(const system::Files& files, const profile::Profile& profile) {
  Facts facts = gather(files);
  facts.settings = profile.host ? read_settings(files, profile.host->settings) : FoundSettings{};
  if (profile.gpus && !profile.gpus->compute_partition.empty())
    facts.partition_sources = read_partition_sources(files);
  return facts;
}

}  // namespace fettle::facts
