#include "health/host.h"

#include "base/text.h"
#include "health/tally.h"

namespace fettle::health {
namespace {

using facts::Facts;
using profile::Host;
using profile::Profile;

Finding not_asked() {
  return not_applicable("the profile does not ask for it");
}

}  // namespace

Finding host_cpus(const Facts& facts, const Profile& profile) {
  if (!profile.host) return not_asked();
  const Host& wanted = *profile.host;
  if (wanted.sockets == 0 && wanted.cores == 0 && wanted.threads == 0) return not_asked();
  if (!facts.cpus) return unknown(facts.cpus.error());
  const facts::Cpus& found = *facts.cpus;
  const std::string seen = count_of(found.sockets, "socket") + ", " + count_of(found.cores, "core") + ", " +
                           count_of(found.threads, "thread");
  std::string lacks;
  const auto compare = [&](unsigned is, unsigned should, std::string_view noun) {
    if (should != 0 && is != should) lacks += (lacks.empty() ? "" : ", ") + count_of(should, noun);
  };
  compare(found.sockets, wanted.sockets, "socket");
  compare(found.cores, wanted.cores, "core");
  compare(found.threads, wanted.threads, "thread");
  if (lacks.empty()) return {Status::pass, seen, {}};
  const bool is_less = found.threads < wanted.threads || found.cores < wanted.cores;
  return {Status::warn, seen + "; the profile expects " + lacks,
          is_less
              ? "processors are off line (`lscpu -e`), or this is another size of machine than was ordered"
              : "SMT is set otherwise than on the machine that the profile describes, or the profile is of "
                "another machine"};
}

namespace {

// "1700 GiB": in TiB with one decimal a lost module does not show.
std::string in_gib(Bytes bytes) {
  return std::to_string(bytes.count >> 30U) + " GiB";
}

}  // namespace

Finding host_memory(const Facts& facts, const Profile& profile) {
  if (!profile.host || profile.host->memory.count == 0) return not_asked();
  if (!facts.memory) return unknown(facts.memory.error());
  const std::string seen = in_gib(*facts.memory);
  if (*facts.memory >= profile.host->memory) return {Status::pass, seen, {}};
  return {
      Status::fail, seen + ", the profile expects " + in_gib(profile.host->memory),
      "a module of memory was lost at boot: `dmidecode -t memory` and the BMC's log; in a virtual machine "
      "it is another size than was ordered"};
}

Finding host_swap(const Facts& facts, const Profile& profile) {
  if (!profile.host || profile.host->swap == Host::Swap::any) return not_asked();
  if (!facts.swaps) return unknown(facts.swaps.error());
  if (facts.swaps->empty()) return {Status::pass, "none", {}};
  Bytes all;
  for (const facts::Swap& swap : *facts.swaps) all += swap.size;
  return {Status::warn,
          to_text(all) + " in " +
              (facts.swaps->size() == 1 ? facts.swaps->front().what : count_of(facts.swaps->size(), "place")),
          "`swapoff -a`, and take its line out of /etc/fstab"};
}

Finding host_root(const Facts& facts, const Profile& profile) {
  if (!profile.host || profile.host->root_free.count == 0) return not_asked();
  if (!facts.root_space) return unknown(facts.root_space.error());
  const Bytes wanted = profile.host->root_free;
  const Bytes free = facts.root_space->available;
  // An image layer that does not fit is a nuisance; a journal that cannot be written is the end of evidence.
  constexpr Bytes least = 1_GiB;
  if (free >= wanted) return {Status::pass, "at least " + to_text(wanted) + " free", {}};
  return {free < least ? Status::fail : Status::warn,
          to_text(free) + " free, the profile expects " + to_text(wanted),
          "`du -xh --max-depth=2 / | sort -h | tail`; container images are the usual cause: let docker keep "
          "them on the cache"};
}

Finding host_clock(const Facts& facts, const Profile& profile) {
  if (!profile.host || profile.host->clock == Host::Clock::any) return not_asked();
  if (!facts.time_sync) return unknown(facts.time_sync.error());
  if (*facts.time_sync == system::TimeSync::synchronised) return {Status::pass, "synchronised", {}};
  return {Status::warn, "nobody keeps the clock right",
          "`timedatectl`, and `chronyc tracking` where chrony runs; one of both must be enabled"};
}

Finding host_infiniband(const Facts& facts, const Profile& profile) {
  if (!profile.host || !profile.host->infiniband) return not_asked();
  if (!facts.infiniband) return unknown(facts.infiniband.error());
  const profile::Infiniband& wanted = *profile.host->infiniband;
  Tally tally;
  std::size_t good = 0;
  for (const facts::InfinibandPort& port : *facts.infiniband) {
    const std::string where = port.device + ":" + port.port;
    if (!port.is_active) {
      tally.add(where,
                {Status::warn, "is " + port.state, "`ibstat " + port.device + "`: cable, switch port"});
    } else if (port.rate_gbit < wanted.rate_gbit) {
      tally.add(where, {Status::warn,
                        std::to_string(port.rate_gbit) + " Gbit/s of " + std::to_string(wanted.rate_gbit),
                        "the link was trained with fewer lanes: reseat the cable, look at the switch port"});
    } else {
      ++good;
    }
  }
  if (good >= wanted.ports)
    return {Status::pass,
            count_of(good, "port") + " active at " + std::to_string(wanted.rate_gbit) + " Gbit/s",
            {}};
  Finding finding = tally.finding("the others are not there");
  finding.status = Status::warn;
  finding.says =
      std::to_string(good) + " of " + count_of(wanted.ports, "port") + " at full rate; " + finding.says;
  if (finding.hint.empty())
    finding.hint = "`lspci -d 15b3:` shows the adapters; is mlx5_ib (or rdma-core) installed and loaded?";
  return finding;
}

Finding host_groups(const Facts& facts, const Profile& profile) {
  if (!profile.host || profile.host->groups.empty()) return not_asked();
  if (!facts.gpu_access) return unknown(facts.gpu_access.error());
  if (facts.gpu_access->open_to_all)
    return {Status::pass, "everybody may open /dev/kfd, as a udev rule says", {}};
  std::string lacking;
  std::string empty;
  for (const std::string& group : profile.host->groups) {
    const auto at = facts.gpu_access->members.find(group);
    if (at == facts.gpu_access->members.end()) {
      lacking += (lacking.empty() ? "" : ", ") + group;
    } else if (at->second.empty()) {
      empty += (empty.empty() ? "" : ", ") + group;
    }
  }
  if (!lacking.empty())
    return {Status::warn, "there is no group " + lacking,
            "`groupadd --system` makes it; the driver's package and udev do, when they are installed"};
  if (!empty.empty())
    return {Status::warn, "group " + empty + " has no members: only root can use the GPUs",
            "`usermod -a -G " + profile.host->groups.front() +
                " USER`, and a new login; containers want the "
                "number of the group, not its name"};
  return {Status::pass, "the groups have members", {}};
}

}  // namespace fettle::health
