#include "host/partition.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>

#include "base/text.h"
#include "profile/gpu_models.h"

namespace fettle::host {
namespace {

using facts::Card;
using facts::Facts;
using profile::GpuModel;
using profile::Profile;

constexpr std::string_view attribute = "/device/current_compute_partition";
constexpr std::string_view after_start = "SPX";  // what the driver sets by itself

// What the kernel takes on a GPU with eight compute dies (aqua_vanjaram.c), as far as AMD supports it.
struct Together {
  std::string_view compute;
  std::array<std::string_view, 2> memory;
};
constexpr std::array allowed{
    Together{"SPX", {"NPS1"}},
    Together{"DPX", {"NPS1", "NPS2"}},
    Together{"QPX", {"NPS1", "NPS4"}},
    Together{"CPX", {"NPS1", "NPS4"}},
};

const Together* find_allowed(std::string_view compute) {
  const auto at = std::find_if(allowed.begin(), allowed.end(),
                               [&](const Together& one) { return one.compute == compute; });
  return at == allowed.end() ? nullptr : &*at;
}

std::string memory_modes_of(std::string_view compute) {
  const Together* const row = find_allowed(compute);
  std::string text;
  if (row == nullptr) return text;
  for (const std::string_view mode : row->memory) {
    if (!mode.empty()) text += (text.empty() ? "" : " or ") + std::string(mode);
  }
  return text;
}

bool go_together(std::string_view compute, std::string_view memory) {
  const Together* const row = find_allowed(compute);
  return row != nullptr && std::find(row->memory.begin(), row->memory.end(), memory) != row->memory.end();
}

// The GPUs that the profile wants and that have a card.
struct Gpus {
  std::vector<const Card*> cards;
  std::set<unsigned> models;  // PCI ids
  bool any_virtual = false;
};

Result<Gpus> find_gpus(const Profile& profile, const Facts& facts) {
  if (profile.gpu_models.empty())
    return fail(Why::missing, "cannot tell the partition modes: the profile has no table of GPU models",
                "it comes with the package; reinstall it");
  if (!facts.gpus_on_pci) return fail(facts.gpus_on_pci.error());
  if (!facts.cards) return fail(facts.cards.error());
  Gpus gpus;
  for (const facts::Gpu& gpu : *facts.gpus_on_pci) {
    const GpuModel* const model = profile::wanted_model(gpu.pci_device, profile);
    if (model == nullptr) continue;
    gpus.models.insert(gpu.pci_device);
    gpus.any_virtual = gpus.any_virtual || model->is_virtual;
    for (const Card& card : *facts.cards) {
      if (card.pci_address == gpu.pci_address) gpus.cards.push_back(&card);
    }
  }
  if (gpus.cards.empty())
    return fail(Why::missing,
                "cannot tell the partition modes: no " + profile.gpus->model + " has a DRM device",
                "see `fettle check gpu.count driver.amdgpu`");
  return gpus;
}

bool is_wrong(const facts::Fact<std::string>& mode, const std::string& wanted) {
  return !wanted.empty() && mode && *mode != wanted;
}

std::string mode_of(const Card& card) {
  return *card.compute_partition + "/" + *card.memory_partition;
}

std::string one_card(const Card& card) {
  return "/sys/class/drm/" + card.name + std::string(attribute);
}

bool is_set_by(const Facts& facts, std::string_view wanted) {
  return facts.partition_sources && !facts.partition_sources->empty() &&
         facts.partition_sources->back().value == wanted;
}

// Is it a rule of somebody else that sets it?
bool is_set_by_others(const Facts& facts, std::string_view wanted) {
  return is_set_by(facts, wanted) && facts.partition_sources->back().file != udev_file;
}

// Why this machine is none to set a mode on; empty when it is one.
std::string why_not_here(const Facts& facts, const Gpus& gpus) {
  if (gpus.any_virtual)
    return "left alone: the GPUs are virtual functions, and a guest's driver has no switch. Ask the "
           "provider, or let the profile want what is there";
  if (!facts.hardware) return "left alone: " + facts.hardware.error().said;
  if (facts.hardware->is_virtual)
    return "left alone: AMD supports the switch on bare metal only, and this is a virtual machine. Set it on "
           "the host";
  if (!facts.driver) return "left alone: " + facts.driver.error().said;
  if (!facts.driver->live) return "left alone: the driver is still starting. Look again in a minute";
  return {};
}

// What keeps the compute mode from being set on this GPU; empty when nothing does.
std::string why_not_on(const Card& card, const std::string& wanted) {
  if (!card.compute_partition) return "left alone: " + card.compute_partition.error().said;
  if (!card.compute_partitions) return "left alone: " + card.compute_partitions.error().said;
  if (!card.memory_partition) return "left alone: " + card.memory_partition.error().said;
  const auto& offered = *card.compute_partitions;
  if (std::find(offered.begin(), offered.end(), wanted) == offered.end()) {
    std::string all;
    for (const std::string& mode : offered) all += (all.empty() ? "" : ", ") + mode;
    return "left alone: " + card.pci_address + " offers " + (all.empty() ? "no mode" : all) + ", not " +
           wanted + ". Change compute_partition in the profile";
  }
  if (!go_together(wanted, *card.memory_partition)) {
    const std::string modes = memory_modes_of(wanted);
    return "left alone: " +
           (modes.empty() ? "nothing is known of " + wanted
                          : wanted + " goes with " + modes + ", and the memory of " + card.pci_address +
                                " is in " + *card.memory_partition) +
           ". Set the memory mode first, then `fettle host apply` again";
  }
  return {};
}

// Eight GPUs are announced at once, and the kernel refuses a second switch while one is under way: flock lets
// them through one by one. `bind` comes when the driver has taken the GPU and its values are there, `add`
// again at boot, for a driver that was loaded before this file could be read.
std::string rule_for(const std::string& mode, const std::set<unsigned>& models) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string ids;
  for (const unsigned model : models) {
    ids += ids.empty() ? "0x" : "|0x";
    for (unsigned shift = 16; shift != 0; shift -= 4) ids += hex[model >> (shift - 4) & 0xfU];
  }
  return "\n# " + std::string(partition_name) + ": " + std::string(why_partition()) +
         "\nACTION==\"add|bind\", SUBSYSTEM==\"pci\", DRIVER==\"amdgpu\", ATTR{vendor}==\"0x1002\", "
         "ATTR{device}==\"" +
         ids + "\", ATTR{current_compute_partition}==\"?*\", ATTR{current_compute_partition}!=\"" + mode +
         "\", RUN+=\"/usr/bin/flock /run/fettle-partition.lock /bin/sh -c 'echo " + mode +
         " > /sys%p/current_compute_partition'\"\n";
}

void advise_memory(const Profile& profile, const Gpus& gpus, PartitionPlan& plan) {
  const std::string& wanted = profile.gpus->memory_partition;
  std::set<std::string> others;
  for (const Card* const card : gpus.cards) {
    if (is_wrong(card->memory_partition, wanted)) others.insert(*card->memory_partition);
  }
  if (others.empty()) return;
  std::string found;
  for (const std::string& mode : others) found += (found.empty() ? "" : " and ") + mode;
  plan.advice.push_back(
      {std::string(partition_name),
       "the memory is in " + found + ", the profile wants " + wanted +
           ". fettle never sets it, as that starts the driver of all GPUs anew: stop all that uses them, "
           "`amd-smi "
           "set --gpu all --memory-partition " +
           wanted + "` (about 140 s), then `fettle host apply`, for that start resets the compute mode"});
}

void remember(PartitionPlan& plan, const OurFile& ours, const Card& card, const std::string& wanted) {
  const std::string path = one_card(card);
  const auto known = std::find_if(ours.before.begin(), ours.before.end(),
                                  [&](const Before& before) { return before.path == path; });
  if (known != ours.before.end()) {
    plan.before.push_back(*known);
  } else if (*card.compute_partition != wanted) {
    plan.before.push_back({path, *card.compute_partition});
  }
}

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// Rules of others that set another mode at the next start: after ours, or because none of ours is needed.
void advise_on_others(const Facts& facts, const std::string& wanted, PartitionPlan& plan) {
  if (!facts.partition_sources) return;
  for (const facts::SettingSource& source : *facts.partition_sources) {
    if (source.file == udev_file || source.value == wanted) continue;
    if (!plan.rule.empty() && name_of(source.file) < name_of(udev_file)) continue;
    plan.advice.push_back(
        {std::string(partition_name),
         source.file + " sets " + source.value +
             " at each start of the driver: take that line out, or want it in the profile"});
  }
}

void plan_compute(const Profile& profile, const Facts& facts, const OurFile& ours, const Gpus& gpus,
                  PartitionPlan& plan) {
  const std::string& wanted = profile.gpus->compute_partition;
  if (wanted.empty()) return;
  for (const Card* const card : gpus.cards) {
    const std::string why = why_not_on(*card, wanted);
    if (why.empty()) continue;
    plan.advice.push_back({std::string(partition_name), why});
    return;  // a mix of modes helps nobody
  }
  const bool is_left_to_others = ours.content.empty() && is_set_by_others(facts, wanted);
  if (wanted != after_start && !is_left_to_others) {
    plan.rule = rule_for(wanted, gpus.models);
    for (const Card* const card : gpus.cards) remember(plan, ours, *card, wanted);
  }
  advise_on_others(facts, wanted, plan);
  std::vector<ValueStep> values;
  for (const Card* const card : gpus.cards) {
    if (*card->compute_partition != wanted) values.push_back({one_card(*card), wanted});
  }
  if (values.empty()) return;
  if (auto refusal = why_not_now(facts)) {
    plan.refused.push_back(std::move(*refusal));
  } else {
    plan.values = std::move(values);
  }
}

}  // namespace

bool wants_partition(const Profile& profile) {
  return profile.gpus &&
         (!profile.gpus->compute_partition.empty() || !profile.gpus->memory_partition.empty());
}

std::string wanted_partition_text(const Profile& profile) {
  const auto any = [](const std::string& mode) { return mode.empty() ? std::string("any") : mode; };
  return any(profile.gpus->compute_partition) + "/" + any(profile.gpus->memory_partition) + " on each GPU";
}

std::string_view why_partition() {
  return "one mode on all GPUs is what work is planned for, and the driver forgets it at each start";
}

SettingJudgement look_at_partition(const Profile& profile, const Facts& facts) {
  SettingJudgement looked;
  const auto gpus = find_gpus(profile, facts);
  if (!gpus) {
    looked.error = gpus.error();
    return looked;
  }
  if (facts.partition_sources && !facts.partition_sources->empty())
    looked.set_by = facts.partition_sources->back().file;
  std::map<std::string, std::size_t> modes;
  bool compute_wrong = false;
  bool memory_wrong = false;
  for (const Card* const card : gpus->cards) {
    for (const auto* const mode : {&card->compute_partition, &card->memory_partition}) {
      if (*mode) continue;
      looked.error = mode->error();
      return looked;
    }
    ++modes[mode_of(*card)];
    compute_wrong = compute_wrong || is_wrong(card->compute_partition, profile.gpus->compute_partition);
    memory_wrong = memory_wrong || is_wrong(card->memory_partition, profile.gpus->memory_partition);
  }
  for (const auto& [mode, count] : modes)
    looked.found += (looked.found.empty() ? "" : ", ") + mode + " on " + count_of(count, "GPU");
  looked.standing = Standing::good;
  if (compute_wrong || memory_wrong) looked.standing = Standing::wrong;
  if (compute_wrong && !memory_wrong && is_set_by(facts, profile.gpus->compute_partition))
    looked.standing = Standing::pending;
  return looked;
}

PartitionPlan plan_partition(const Profile& profile, const Facts& facts, const OurFile& ours) {
  PartitionPlan plan;
  if (!wants_partition(profile)) return plan;
  const SettingJudgement looked = look_at_partition(profile, facts);
  if (looked.standing == Standing::unknown) {
    plan.advice.push_back({std::string(partition_name), "left alone: " + looked.error.said});
    return plan;
  }
  const auto gpus = find_gpus(profile, facts);
  if (!gpus) return plan;  // then it was unknown
  if (const std::string why = why_not_here(facts, *gpus); !why.empty()) {
    if (looked.standing != Standing::good) plan.advice.push_back({std::string(partition_name), why});
    return plan;
  }
  advise_memory(profile, *gpus, plan);
  plan_compute(profile, facts, ours, *gpus, plan);
  return plan;
}

bool is_partition(std::string_view path) {
  return path.starts_with("/sys/class/drm/") && path.ends_with(attribute);
}

bool stands(const Before& before, const Facts& facts) {
  return facts.cards && std::any_of(facts.cards->begin(), facts.cards->end(), [&](const Card& card) {
           return one_card(card) == before.path && card.compute_partition &&
                  *card.compute_partition == before.value;
         });
}

std::optional<Error> why_not_now(const Facts& facts) {
  constexpr std::string_view cannot_set = "cannot set the compute partition: ";
  if (!facts.gpu_users)
    return Error{Why::refused,
                 std::string(cannot_set) +
                     "nobody knows whether a process uses a GPU: " + facts.gpu_users.error().said,
                 "run it as root on the node itself, with the driver loaded"};
  if (facts.gpu_users->empty()) return std::nullopt;
  std::string who;
  for (const facts::GpuUser& user : *facts.gpu_users)
    who += (who.empty() ? "" : ", ") + user.process + (user.name.empty() ? "" : " (" + user.name + ")");
  return Error{Why::refused,
               std::string(cannot_set) + count_of(facts.gpu_users->size(), "process uses", "processes use") +
                   " the GPUs: " + who,
               "stop them (`systemctl stop`, `docker stop`), then run this again"};
}

Error with_partition_advice(Error error) {
  if (error.why == Why::refused) {
    error.hint =
        "a process uses a GPU, or another switch is under way: `ls /sys/class/kfd/kfd/proc` names the "
        "processes; stop them, then run this again";
  } else if (error.why == Why::denied) {
    error.hint =
        "only root may, the driver of a virtual function never lets anybody, and no driver does while it "
        "resets a "
        "GPU: `dmesg | grep amdgpu`, and again in a minute";
  } else if (error.said.ends_with(system_text(EINVAL))) {
    error.hint =
        "the driver does not have this mode with the memory mode there is: `grep . "
        "/sys/class/drm/card*/device/*_partition` shows both; `dmesg | grep amdgpu` says more";
  } else {
    error.hint = "`dmesg | grep amdgpu` says more; a reboot brings the GPU back in SPX";
  }
  return error;
}

Result<Outcome> taken(std::string_view path, std::string_view wanted, const Result<std::string>& told) {
  if (!told) return fail(while_doing("tell whether the mode was taken", told.error()));
  if (trim(*told) == wanted) return Outcome::changed;
  return fail(Why::failed,
              "cannot set the compute partition: '" + std::string(path) + "' took " + std::string(wanted) +
                  " and says " + std::string(trim(*told)) + " still",
              "the driver ignored it, as it does in a virtual machine: `dmesg | grep amdgpu`");
}

}  // namespace fettle::host
