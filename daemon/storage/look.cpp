#include "storage/look.h"

#include <fnmatch.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>

#include "base/names.h"
#include "base/text.h"
#include "storage/mount_point.h"

namespace fettle::storage {
namespace {

struct Tool {
  std::string_view path;
  std::string_view package;
};
constexpr Tool mdadm{"/usr/sbin/mdadm", "mdadm"};
constexpr Tool mkfs{"/usr/sbin/mkfs.xfs", "xfsprogs"};

bool may_be_ours(const Sight& sight, const system::Signature& signature) {
  const Record* const record = sight.record_is_ours ? &*sight.record : nullptr;
  if (signature.type == "linux_raid_member") {
    return signature.label == array_label() || (record != nullptr && signature.uuid == record->array_uuid);
  }
  return signature.type == "xfs" && (signature.label == names::filesystem_label ||
                                     (record != nullptr && signature.uuid == record->filesystem_uuid));
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// The node below /dev must be the device that sysfs speaks of.
Result<void> is_that_device(const system::Files& files, const facts::Drive& drive) {
  const std::string device = "/dev/" + drive.name;
  const auto info = files.look(device);
  if (!info) return fail(info.error());
  const bool node = info->kind == system::Kind::block_device;
  if (node ? info->node != drive.node : files.is_the_machine()) {
    return fail(Why::failed,
                "cannot trust '" + device + "': it is not the device that the kernel calls " + drive.name);
  }
  return {};
}

std::vector<std::string> mounts_of(const std::string& device_number,
                                   const std::vector<facts::Mount>& mounts) {
  std::vector<std::string> where;
  for (const facts::Mount& mount : mounts) {
    if (mount.device == device_number) where.push_back(mount.where);
  }
  return where;
}

SeenDrive look_at(const facts::Drive& drive, const system::Files& files, Depth depth) {
  SeenDrive seen{drive, {}, {}, {}, {}};
  const std::string device = "/dev/" + drive.name;
  if (const auto right = is_that_device(files, drive); !right) {
    seen.signature = Result<system::Signature>(fail(right.error()));
    return seen;
  }
  seen.signature = system::probe(files, device);
  const bool bare = seen.signature && seen.signature->type.empty() && drive.partitions.empty() &&
                    drive.holders.empty() && drive.in_use.empty();
  if (depth == Depth::thorough && bare) {
    seen.free = system::is_free(files, device);
    if (seen.free) seen.blank = system::is_blank(files, device, drive.size);
  }
  return seen;
}

bool is_local(const facts::Drive& drive) {
  return drive.transport.empty() || drive.transport == "pcie";
}

void look_at_others(Sight& sight, const facts::Facts& facts, const profile::DriveSet& wanted,
                    const system::Files& files) {
  profile::DriveSet any = wanted;
  any.models = {"*"};
  for (const facts::Drive& drive : sight.unwanted) {
    if (!is_local(drive) || !is_wanted(any, drive)) continue;
    if (!mounts_of(device_number_of(drive), *facts.mounts).empty()) continue;
    const SeenDrive seen = look_at(drive, files, Depth::thorough);
    if (seen.free && seen.blank && *seen.blank) sight.blank_others.push_back(drive);
  }
}

void look_at_mount_point(Sight& sight, const facts::Facts& facts, const profile::Cache& cache,
                         const system::Files& files) {
  const std::string& path = cache.path;
  for (const facts::Mount& mount : *facts.mounts) {
    if (mount.where == path) sight.cache_mounts.push_back(mount);
  }
  if (is_elsewhere(cache)) {
    sight.wrong_place = why_not_mounted_there(cache, facts.mounts, files);
    return;
  }
  if (const auto hidden = why_not_below(cache, *facts.mounts, files)) sight.blocks.push_back(hidden->said);
  const auto info = files.look(path);
  if (!info && info.error().why == Why::missing) return;
  if (!info) {
    sight.blocks.push_back(info.error().said);
    return;
  }
  if (info->kind != system::Kind::directory) {
    sight.blocks.push_back("the mount point '" + path + "' is not a directory: move it away");
    return;
  }
  if (!sight.cache_mounts.empty()) return;
  const auto names = files.list(path);
  if (!names) {
    sight.blocks.push_back(names.error().said);
  } else if (!names->empty()) {
    sight.blocks.push_back("the mount point '" + path + "' is not empty ('" + names->front() +
                           "'): a mount would hide that, move it away");
  }
}

void look_around(Sight& sight, const std::string& path, const system::Files& files) {
  Claim claim{path, {}, {}, sight.record_is_ours ? sight.record->array_uuid : std::string()};
  for (const SeenDrive& seen : sight.drives) {
    claim.drives.push_back(seen.drive);
    if (seen.signature && seen.signature->type == "linux_raid_member" && !may_be_ours(sight, *seen.signature))
      claim.array_uuids.push_back(seen.signature->uuid);
  }
  sight.rivals = look_for_rivals(claim, files);
  for (const Rival& rival : sight.rivals->found) {
    if (rival.answer == Answer::stand_down) sight.blocks.push_back(to_text(rival) + ": " + rival.advice);
  }
  for (const Error& error : sight.rivals->blind) {
    // What is mounted at boot decides whether the mount point is ours; the rest may be looked at later.
    if (error.said.find("'/etc/fstab'") != std::string::npos) sight.blocks.push_back(error.said);
  }
}

void look_for_tools(Sight& sight, unsigned drives, const system::Files& files) {
  for (const Tool& tool : {mkfs, mdadm}) {
    if (drives < 2 && tool.path == mdadm.path) continue;
    const auto there = files.exists(tool.path);
    if (!there || !*there) {
      sight.blocks.push_back("'" + std::string(tool.path) + "' is missing: install the package " +
                             std::string(tool.package));
    }
  }
}

void look_for_arrays(Sight& sight, const facts::Facts& facts, const system::Files& files) {
  const auto is_member = [&](const std::string& name) {
    return std::any_of(sight.drives.begin(), sight.drives.end(),
                       [&](const SeenDrive& seen) { return seen.drive.name == name; });
  };
  for (const facts::Array& array : *facts.arrays) {
    if (std::none_of(array.members.begin(), array.members.end(), is_member)) continue;
    SeenArray seen{array, {}, {}, {}};
    const auto number = files.read("/sys/block/" + array.name + "/dev", 4_KiB);
    if (number) seen.device_number = trim(*number);
    seen.mounted_on = mounts_of(seen.device_number, *facts.mounts);
    if (is_running(array)) seen.content = system::probe(files, "/dev/" + array.name);
    sight.arrays.push_back(std::move(seen));
  }
  const std::string taken = "/dev/md/" + std::string(names::array_name);
  const auto there = files.exists(taken);
  if (sight.arrays.empty() && (!there || *there)) {
    sight.blocks.push_back("'" + taken + "' is taken by something that is none of these drives' array");
  }
}

}  // namespace

std::string array_label() {
  return "any:" + std::string(names::array_name);
}

std::string to_text(const facts::Drive& drive) {
  return drive.model + " " + (drive.serial.empty() ? "without serial" : drive.serial) + " (" + drive.name +
         ")";
}

std::string device_number_of(const facts::Drive& drive) {
  return std::to_string(gnu_dev_major(drive.node)) + ":" + std::to_string(gnu_dev_minor(drive.node));
}

bool is_running(const facts::Array& array) {
  constexpr std::array<std::string_view, 6> running{"clean",         "active",    "active-idle",
                                                    "write-pending", "read-auto", "readonly"};
  return std::find(running.begin(), running.end(), array.state) != running.end();
}

bool is_wanted(const profile::DriveSet& wanted, const facts::Drive& drive) {
  const auto fits = [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), drive.model.c_str(), 0) == 0;
  };
  return std::any_of(wanted.models.begin(), wanted.models.end(), fits) &&
         std::none_of(wanted.exclude_models.begin(), wanted.exclude_models.end(), fits);
}

Sight look(const facts::Facts& facts, const profile::Cache& cache, const system::Files& files, Depth depth) {
  Sight sight;
  sight.identity = facts.identity;
  if (const auto link = files.read_link(names::cache_link)) sight.link = *link;
  sight.record = read_record(files);
  if (!sight.record && sight.record.error().why != Why::missing &&
      sight.record.error().why != Why::malformed) {
    sight.blind = sight.record.error();
    return sight;
  }
  sight.record_is_ours = sight.record && facts.identity && belongs_to(*sight.record, *facts.identity);
  if (!facts.drives) sight.blind = facts.drives.error();
  if (!facts.arrays) sight.blind = facts.arrays.error();
  if (!facts.mounts) sight.blind = facts.mounts.error();
  if (sight.blind || !cache.drives) return sight;

  for (const facts::Drive& drive : *facts.drives) {
    if (!is_wanted(*cache.drives, drive)) {
      sight.unwanted.push_back(drive);
      continue;
    }
    SeenDrive seen = look_at(drive, files, depth);
    seen.mounted_on = mounts_of(device_number_of(drive), *facts.mounts);
    // The system's drives are left alone, whatever is on them. Ours are "in use" too once the cache is
    // mounted.
    const bool ours = seen.signature && may_be_ours(sight, *seen.signature);
    if (!drive.in_use.empty() && !ours) {
      sight.left_out.push_back({drive, joined(drive.in_use)});
    } else if (!is_local(drive)) {
      sight.left_out.push_back({drive, "not local: it is attached by " + drive.transport});
    } else {
      sight.drives.push_back(std::move(seen));
    }
  }
  if (depth == Depth::thorough && sight.unwanted.size() == facts.drives->size())
    look_at_others(sight, facts, *cache.drives, files);
  std::sort(sight.drives.begin(), sight.drives.end(),
            [](const SeenDrive& a, const SeenDrive& b) { return a.drive.serial < b.drive.serial; });
  look_for_arrays(sight, facts, files);
  look_at_mount_point(sight, facts, cache, files);
  look_around(sight, cache.path, files);
  look_for_tools(sight, cache.drives->count, files);
  return sight;
}

}  // namespace fettle::storage
