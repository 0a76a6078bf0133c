#include "support/nvme.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace fettle::test {
namespace {

namespace fs = std::filesystem;

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text + "\n";
}

std::string line(std::uint64_t number) {
  return std::to_string(number) + "\n";
}

std::string controller(const DriveSpec& drive) {
  return "nvme" + std::to_string(drive.number);
}

std::string slot(const DriveSpec& drive) {
  const std::string bus = std::to_string(10 + drive.number);
  return "/sys/devices/pci0000:00/0000:" + bus + ":00.0";
}

std::string controller_path(const DriveSpec& drive) {
  return slot(drive) + "/nvme/" + controller(drive);
}

std::string drive_path(const DriveSpec& drive) {
  return controller_path(drive) + "/" + name_of(drive);
}

std::string partition_name(const DriveSpec& drive, unsigned partition) {
  return name_of(drive) + "p" + std::to_string(partition);
}

// A relative link, as sysfs has them. `path` must not lead through another link.
void link_to(Tree& tree, const std::string& path, const std::string& target) {
  tree.link(path, fs::path(target).lexically_relative(fs::path(path).parent_path()).string());
}

// Where the /sys directory of a drive, a partition or an array really lies.
std::string sysfs_path(const Tree& tree, const std::string& name) {
  const std::string root = fs::canonical(tree.root()).string();
  std::string link = "/sys/block/" + name;
  if (!fs::exists(root + link)) link = "/sys/block/" + name.substr(0, name.find('p')) + "/" + name;
  return fs::canonical(root + link).string().substr(root.size());
}

std::string escaped(const std::string& path) {
  std::string out;
  for (const char c : path) {
    switch (c) {
      case ' ':
        out += "\\040";
        break;
      case '\t':
        out += "\\011";
        break;
      case '\n':
        out += "\\012";
        break;
      case '\\':
        out += "\\134";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void append(Tree& tree, const std::string& path, const std::string& text,
            const std::string& first_line = {}) {
  const bool there = fs::exists(tree.root() + path);
  tree.file(path, (there ? tree.read(path) : first_line) + text);
}

// /sys/devices/virtual/block/NAME with its link, and NAME as holder of every member.
void add_virtual(Tree& tree, const std::string& name, const std::string& number, std::uint64_t bytes,
                 const std::vector<std::string>& members) {
  const std::string at = "/sys/devices/virtual/block/" + name;
  tree.directory(at + "/holders").directory(at + "/slaves");
  tree.file(at + "/dev", number + "\n").file(at + "/size", line(bytes / 512)).file(at + "/hidden", "0\n");
  link_to(tree, "/sys/block/" + name, at);
  link_to(tree, "/sys/dev/block/" + number, at);
  for (const std::string& member : members) {
    link_to(tree, sysfs_path(tree, member) + "/holders/" + name, at);
    link_to(tree, at + "/slaves/" + member, sysfs_path(tree, member));
  }
  // ext4 holds no file above 16 TiB; eight real drives make 28.
  tree.sparse("/dev/" + name, std::min(bytes, std::uint64_t{1} << 43U));
}

}  // namespace

std::string name_of(const DriveSpec& drive) {
  return controller(drive) + "n" + std::to_string(drive.after_n);
}

std::string device_number(const DriveSpec& drive, unsigned partition) {
  return "259:" + std::to_string(drive.number * 16 + (drive.after_n - 1) * 8 + partition);
}

void add_drive(Tree& tree, const DriveSpec& drive) {
  const std::string at = drive_path(drive);
  const std::string name = name_of(drive);
  const std::string up = controller_path(drive);
  tree.file(up + "/model", padded(drive.model, 40)).file(up + "/serial", padded(drive.serial, 20));
  tree.file(up + "/transport", "pcie\n")
      .file(up + "/state", "live\n")
      .file(up + "/address", slot(drive).substr(slot(drive).rfind('/') + 1) + "\n");
  tree.file(up + "/numa_node", std::to_string(drive.numa_node) + "\n");
  tree.file(slot(drive) + "/numa_node", std::to_string(drive.numa_node) + "\n");
  tree.file(at + "/size", line(drive.bytes / 512)).file(at + "/dev", device_number(drive) + "\n");
  tree.file(at + "/nsid", line(drive.nsid))
      .file(at + "/wwid", "nvme.1414-" + drive.serial + "-" + line(drive.nsid));
  tree.file(at + "/diskseq", line(drive.diskseq != 0 ? drive.diskseq : 10 + drive.number))
      .file(at + "/hidden", "0\n");
  tree.file(at + "/queue/logical_block_size", line(drive.block_size)).file(at + "/ro", "0\n");
  tree.directory(at + "/holders").directory(at + "/slaves");
  if (!fs::exists(tree.root() + at + "/device")) tree.link(at + "/device", "..");
  if (!fs::exists(tree.root() + up + "/device")) link_to(tree, up + "/device", slot(drive));
  link_to(tree, "/sys/block/" + name, at);
  link_to(tree, "/sys/dev/block/" + device_number(drive), at);
  if (!fs::exists(tree.root() + "/sys/class/nvme/" + controller(drive))) {
    link_to(tree, "/sys/class/nvme/" + controller(drive), up);
  }
  tree.sparse("/dev/" + name, drive.bytes);
  if (!fs::exists(tree.root() + "/proc/self/mountinfo")) add_mount(tree, "8:1", "/dev/sda1", "/");
  for (unsigned p = 1; p <= drive.partitions; ++p) {
    const std::string part = at + "/" + partition_name(drive, p);
    const std::uint64_t bytes = drive.bytes / (drive.partitions + 1);
    tree.file(part + "/partition", line(p)).file(part + "/dev", device_number(drive, p) + "\n");
    tree.file(part + "/size", line(bytes / 512)).directory(part + "/holders");
    link_to(tree, "/sys/dev/block/" + device_number(drive, p), part);
    tree.sparse("/dev/" + partition_name(drive, p), bytes);
  }
}

std::vector<DriveSpec> add_drives(Tree& tree, unsigned count, const std::string& prefix, DriveSpec like) {
  std::vector<DriveSpec> drives;
  for (unsigned i = 0; i < count; ++i) {
    like.number = i;
    like.numa_node = i < count / 2 ? 0 : 1;
    const std::string digits = std::to_string(i + 1);
    like.serial = prefix + std::string(4 - std::min<std::size_t>(4, digits.size()), '0') + digits;
    add_drive(tree, like);
    drives.push_back(like);
  }
  return drives;
}

void renumber(Tree& tree, std::vector<DriveSpec>& drives, const std::vector<unsigned>& order) {
  if (order.size() != drives.size()) throw std::runtime_error("renumber: one new number for each drive");
  std::vector<std::string> parked;
  for (const DriveSpec& drive : drives) {
    parked.push_back("/dev/parked-" + std::to_string(drive.number));
    fs::rename(tree.root() + "/dev/" + name_of(drive), tree.root() + parked.back());
    tree.remove(slot(drive)).remove("/sys/block/" + name_of(drive));
    tree.remove("/sys/dev/block/" + device_number(drive)).remove("/sys/class/nvme/" + controller(drive));
    for (unsigned p = 1; p <= drive.partitions; ++p) {
      tree.remove("/sys/dev/block/" + device_number(drive, p)).remove("/dev/" + partition_name(drive, p));
    }
  }
  for (std::size_t i = 0; i < drives.size(); ++i) {
    drives[i].number = order[i];
    drives[i].diskseq = 0;
    add_drive(tree, drives[i]);
    fs::rename(tree.root() + parked[i], tree.root() + "/dev/" + name_of(drives[i]));
  }
}

void add_multipath(Tree& tree, const DriveSpec& drive) {
  const std::string number = std::to_string(drive.number);
  const std::string path_name = "nvme" + number + "c" + number + "n" + std::to_string(drive.after_n);
  const std::string path_at = controller_path(drive) + "/" + path_name;
  tree.file(path_at + "/size", line(drive.bytes / 512)).file(path_at + "/hidden", "1\n");
  tree.file(path_at + "/nsid", line(drive.nsid)).directory(path_at + "/holders");
  link_to(tree, "/sys/block/" + path_name, path_at);
  const std::string subsystem = "/sys/devices/virtual/nvme-subsystem/nvme-subsys" + number;
  tree.file(subsystem + "/model", padded(drive.model, 40))
      .file(subsystem + "/serial", padded(drive.serial, 20));
  tree.remove(drive_path(drive) + "/device");
  link_to(tree, drive_path(drive) + "/device", subsystem);
  link_to(tree, subsystem + "/" + controller(drive), controller_path(drive));
}

void add_array(Tree& tree, const ArraySpec& array) {
  add_virtual(tree, array.name, "9:" + array.name.substr(2), array.bytes, array.members);
  const std::string md = "/sys/devices/virtual/block/" + array.name + "/md";
  const std::uint64_t disks = array.raid_disks != 0 ? array.raid_disks : array.members.size();
  tree.file(md + "/array_state", array.state + "\n").file(md + "/level", array.level + "\n");
  tree.file(md + "/raid_disks", line(disks)).file(md + "/metadata_version", "1.2\n");
  for (std::size_t i = 0; i < array.members.size(); ++i) {
    const std::string member = md + "/dev-" + array.members[i];
    tree.file(member + "/state", "in_sync\n").file(member + "/slot", line(i));
    link_to(tree, member + "/block", sysfs_path(tree, array.members[i]));
  }
}

void add_mapper(Tree& tree, const std::string& name, const std::vector<std::string>& members) {
  add_virtual(tree, name, "252:" + name.substr(3), 1ULL << 30U, members);
  tree.file("/sys/devices/virtual/block/" + name + "/dm/name", name + "-name\n");
}

void add_mount(Tree& tree, const std::string& device, const std::string& what, const std::string& where,
               const std::string& type, const std::string& options) {
  append(tree, "/proc/self/mountinfo",
         "36 1 " + device + " / " + escaped(where) + " " + options + " shared:1 - " + type + " " +
             escaped(what) + " rw\n");
}

void add_swap(Tree& tree, const std::string& what) {
  append(tree, "/proc/swaps", what + " partition\t8388604\t0\t-2\n",
         "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n");
}

}  // namespace fettle::test
