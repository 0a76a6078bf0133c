// A machine whose mdadm and mkfs.xfs change its drives as the real ones would: superblocks that libblkid
// believes, an array in sysfs, a filesystem on it. So a test can provision, look again, kill it in between,
// and count what was written.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "profile/profile.h"
#include "support/fakes.h"
#include "support/nvme.h"
#include "support/tree.h"
#include "system/block.h"
#include "system/system.h"

namespace fettle::test {

inline void put(std::string& text, std::size_t at, std::uint64_t value, std::size_t bytes) {  // little endian
  for (std::size_t i = 0; i < bytes; ++i) text[at + i] = static_cast<char>(value >> (8 * i));
}
inline void put_big(std::string& text, std::size_t at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) text[at + i] = static_cast<char>(value >> (8 * (bytes - 1 - i)));
}

// 32 hexadecimal digits, whatever stands between them, as 16 bytes.
inline std::string uuid_bytes(const std::string& uuid) {
  std::string digits;
  for (const char c : uuid) {
    if (c != '-' && c != ':') digits += c;
  }
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(*to_number<unsigned>(digits.substr(i, 2), 16));
  }
  return bytes;
}

// An md superblock of version 1.2, which lies 4096 bytes from the start of a member.
inline std::string md_superblock(const std::string& uuid, const std::string& name, unsigned disks,
                                 unsigned role, std::uint64_t member_bytes) {
  std::string block(256 + 2 * disks, '\0');
  put(block, 0, 0xa92b4efc, 4);
  put(block, 4, 1, 4);
  block.replace(16, 16, uuid_bytes(uuid));
  block.replace(32, name.size(), name);
  put(block, 76, 1024, 4);  // chunk in sectors
  put(block, 92, disks, 4);
  put(block, 128, 2048, 8);                       // data offset
  put(block, 136, member_bytes / 512 - 2048, 8);  // data size
  put(block, 144, 8, 8);                          // this superblock, in sectors
  put(block, 160, role, 4);
  put(block, 220, disks, 4);  // max_dev
  for (unsigned i = 0; i < disks; ++i) put(block, 256 + 2 * i, i, 2);
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < block.size(); at += 4) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(4, block.size() - at); ++i) {
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(block[at + i])) << (8 * i);
    }
    sum += word;
  }
  put(block, 216, (sum & 0xffffffffU) + (sum >> 32U), 4);
  return block;
}

enum class Made { whole, unfinished };

// The first sector of an XFS (version 4, which needs no checksum).
inline std::string xfs_superblock(const std::string& uuid, const std::string& label,
                                  Made made = Made::whole) {
  std::string block(512, '\0');
  block.replace(0, 4, "XFSB");
  put_big(block, 4, 4096, 4);
  put_big(block, 8, 4 * 4096, 8);
  block.replace(32, 16, uuid_bytes(uuid));
  put_big(block, 80, 1, 4);
  put_big(block, 84, 4096, 4);
  put_big(block, 88, 4, 4);
  put_big(block, 100, 4, 2);
  put_big(block, 102, 512, 2);
  put_big(block, 104, 512, 2);
  put_big(block, 106, 8, 2);
  block.replace(108, label.size(), label);
  block[120] = 12;
  block[121] = 9;
  block[122] = 9;
  block[123] = 3;
  block[124] = 12;
  block[126] = made == Made::unfinished ? 1 : 0;
  block[127] = 25;
  return block;
}

inline const std::string other_uuid = "11111111-2222-4333-8444-555555555555";

// Small, because every look reads 32 MiB of larger ones.
inline constexpr std::uint64_t small_drive = 2ULL << 20U;

// Of a member's data in md_superblock().
inline constexpr std::uint64_t data_offset = 1ULL << 20U;

class StorageMachine final : public system::Runner {
 public:
  explicit StorageMachine(unsigned count = 8, std::uint64_t bytes = small_drive) {
    tree.file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        .file("/proc/sys/kernel/random/boot_id", "b0000000-0000-4000-8000-000000000001\n")
        .file("/sys/class/dmi/id/product_uuid", "4c4c4544-0000-1010-8000-b7c04f4a3232\n")
        .file("/usr/sbin/mdadm", "")
        .file("/usr/sbin/mkfs.xfs", "")
        .directory("/srv/fettle")
        .directory("/sys/block");
    add_mount(tree, "8:1", "/dev/sda1", "/");
    DriveSpec like;
    like.bytes = bytes;
    drives = add_drives(tree, count, "SN", like);
    profile.name = "test";
    profile.cache.emplace();
    profile.cache->path = "/srv/fettle";
    profile.cache->wait_seconds = 2;
    profile.cache->drives = profile::DriveSet{{"Microsoft NVMe Direct Disk*"}, {}, count};
  }

  system::System system() { return {tree.files(), *this, clock}; }

  std::string device(unsigned i) const { return "/dev/" + name_of(drives[i]); }

  void put_array_member(unsigned i, const std::string& uuid, const std::string& name, unsigned disks) {
    tree.patch(device(i), 4096, md_superblock(uuid, name, disks, i, drives[i].bytes));
  }

  // Shows drives anew after their descriptions in `drives` were changed; what they hold stays.
  void replug() {
    std::vector<unsigned> order;
    for (const DriveSpec& drive : drives) order.push_back(drive.number);
    renumber(tree, drives, order);
  }

  // An array of others or of ours over all drives, running, with a filesystem.
  void put_array(const std::string& uuid, const std::string& name, const std::string& label,
                 const std::string& filesystem_uuid = other_uuid) {
    std::vector<std::string> members;
    for (unsigned i = 0; i < drives.size(); ++i) {
      put_array_member(i, uuid, name, static_cast<unsigned>(drives.size()));
      members.push_back(name_of(drives[i]));
    }
    start_array(members);
    if (!label.empty()) tree.patch("/dev/md127", 0, xfs_superblock(filesystem_uuid, label));
  }

  // What udev does for complete arrays at boot.
  void start_array(const std::vector<std::string>& members, const std::string& state = "clean") {
    add_array(tree, {"md127", state, "raid0", members, 1ULL << 30U, 0});
    namespace fs = std::filesystem;
    const std::string kept = tree.root() + "/content";
    // What mkfs.xfs put on the array lies on its members: emptied ones make an empty array.
    const std::string first = tree.root() + "/dev/" + members.front();
    if (fs::exists(tree.root() + "/made-on-members") &&
        tree.read(first.substr(tree.root().size())).substr(data_offset, 4) != "XFSB") {
      fs::remove(kept);
      tree.remove("/made-on-members");
    }
    if (fs::exists(kept)) fs::rename(kept, tree.root() + "/dev/md127");
  }

  void stop_array() {
    namespace fs = std::filesystem;
    const std::string at = tree.root() + "/sys/devices/virtual/block/md127";
    for (const auto& member : fs::directory_iterator(at + "/slaves")) {
      fs::remove(tree.root() + "/sys/block/" + member.path().filename().string() + "/holders/md127");
    }
    tree.remove("/sys/block/md127").remove("/sys/dev/block/9:127").remove("/sys/devices/virtual/block/md127");
    fs::rename(tree.root() + "/dev/md127",
               tree.root() + "/content");  // what was on it is still on its members
  }

  // A power-off and -on: arrays are gone from the kernel, /run is empty; udev has not assembled anything yet.
  void power_cycle() {
    if (std::filesystem::exists(tree.root() + "/sys/block/md127")) stop_array();
    tree.remove("/run").file("/proc/self/mountinfo", "");
    add_mount(tree, "8:1", "/dev/sda1", "/");
  }

  // As the cloud does when the machine is deallocated.
  void blank_all() {
    for (unsigned i = 0; i < drives.size(); ++i) tree.sparse(device(i), drives[i].bytes);
    tree.remove("/content");
  }

  // A number for what is on the drives: equal numbers, no byte changed (as far as anything here ever writes).
  std::string fingerprint() const {
    std::string text;
    for (unsigned i = 0; i < drives.size(); ++i) {
      const auto fd = tree.files().open_at(device(i), O_RDONLY);
      std::string head(16384, '\0');
      if (!fd || ::pread(fd->get(), head.data(), head.size(), 0) < 0) return "unreadable";
      text += std::to_string(std::hash<std::string>()(head)) + " ";
    }
    return text;
  }

  Result<system::Completed> run(const system::Command& command) override {
    const std::string line = system::to_text(command);
    ran.push_back(line);
    for (const auto& [prefix, answer] : failing) {
      if (line.rfind(prefix, 0) == 0) return answer;
    }
    const std::string program = command.argv[0];
    const std::string verb = command.argv.size() > 1 ? command.argv[1] : "";
    if (program == "/usr/sbin/mkfs.xfs") return make_filesystem(command);
    if (program == "/usr/sbin/wipefs") return unmark(command);
    if (program == "/usr/sbin/mdadm" && verb == "--create") return create(command);
    if (program == "/usr/sbin/mdadm" && verb == "--assemble") return assemble(command);
    if (program == "/usr/sbin/mdadm" && verb == "--detail") return detail();
    if (program == "/usr/sbin/mdadm" && verb == "--stop") return stop();
    if (program == "/usr/sbin/mdadm" && verb == "--zero-superblock") return zero(command);
    FAIL_CHECK("a program nobody thought of: ", line);
    return fail(Why::failed, "cannot run '" + line + "'");
  }

  Result<system::Completed> run_watched(const system::Command& command,
                                        const std::function<system::Verdict()>&) override {
    return run(command);
  }

  // A program was told to write where something else lay. Kept in the tree: it may have been in a child.
  bool wrote_wrongly() const { return std::filesystem::exists(tree.root() + "/wrote-wrongly"); }

  Tree tree;
  std::vector<DriveSpec> drives;
  profile::Profile profile;
  FakeClock clock;
  std::vector<std::string> ran;
  std::map<std::string, system::Completed> failing;  // by the beginning of the command line
  int superblocks_before_death = -1;    // mdadm --create kills the whole test process after so many
  int superblocks_before_failure = -1;  // or gives up, as on a read-only drive
  Made makes = Made::whole;             // what mkfs.xfs leaves

 private:
  // The paths come with the tree's root in front, as for a program of the host.
  std::string inside(const std::string& word) const {
    CHECK(word.rfind(tree.root() + "/dev/", 0) == 0);
    return word.substr(tree.root().size());
  }

  static std::string option(const system::Command& command, const std::string& name) {
    for (const std::string& word : command.argv) {
      if (word.rfind(name + "=", 0) == 0) return word.substr(name.size() + 1);
    }
    return {};
  }

  std::vector<std::string> devices_of(const system::Command& command) const {
    std::vector<std::string> devices;
    for (std::size_t i = 3; i < command.argv.size(); ++i) {
      if (command.argv[i][0] == '/') devices.push_back(inside(command.argv[i]));
    }
    return devices;
  }

  static std::vector<std::string> names_in(const std::vector<std::string>& devices) {
    std::vector<std::string> names;
    for (const std::string& device : devices) names.push_back(device.substr(5));
    return names;
  }

  static system::Completed refusal(std::string says) { return {1, "", std::move(says) + "\n"}; }

  Result<system::Completed> create(const system::Command& command) {
    const auto devices = devices_of(command);
    CHECK(option(command, "--raid-devices") == std::to_string(devices.size()));
    CHECK(option(command, "--name") == "fettle");
    CHECK(option(command, "--homehost") == "any");
    int written = 0;
    for (const std::string& device : devices) {
      const auto content = system::probe(tree.files(), device);
      if (!content || !content->type.empty()) tree.file("/wrote-wrongly", device);
      if (written == superblocks_before_death) ::raise(SIGKILL);
      if (written == superblocks_before_failure)
        return refusal("mdadm: failed to write metadata to " + device);
      const auto unit = static_cast<unsigned>(written);
      tree.patch(device, 4096,
                 md_superblock(option(command, "--uuid"), "any:fettle", static_cast<unsigned>(devices.size()),
                               unit, drives[0].bytes));
      ++written;
    }
    if (written == superblocks_before_death) ::raise(SIGKILL);
    start_array(names_in(devices));
    return system::Completed{0, "", "mdadm: array /dev/md/fettle started.\n"};
  }

  Result<system::Completed> assemble(const system::Command& command) {
    const auto devices = devices_of(command);
    for (const std::string& device : devices) {
      const auto signature = system::probe(tree.files(), device);
      if (!signature || uuid_bytes(signature->uuid) != uuid_bytes(option(command, "--uuid"))) {
        return refusal("mdadm: " + device + " has wrong uuid.");
      }
    }
    start_array(names_in(devices));
    return system::Completed{};
  }

  Result<system::Completed> detail() {
    const auto members = tree.files().list("/sys/block/md127/slaves");
    if (!members) return refusal("mdadm: cannot open /dev/md127");
    const auto signature = system::probe(tree.files(), "/dev/" + members->front());
    std::string uuid;
    for (const char c : signature->uuid) {
      if (c == '-') continue;
      if (uuid.size() % 9 == 8) uuid += ':';
      uuid += c;
    }
    return system::Completed{0,
                             "MD_LEVEL=raid0\nMD_DEVICES=" + std::to_string(members->size()) +
                                 "\nMD_METADATA=1.2\nMD_UUID=" + uuid + "\nMD_NAME=any:fettle\n",
                             ""};
  }

  Result<system::Completed> stop() {
    stop_array();
    return system::Completed{};
  }

  Result<system::Completed> zero(const system::Command& command) {
    const auto content = system::probe(tree.files(), inside(command.argv.at(2)));
    if (!content || content->label != "any:fettle") tree.file("/wrote-wrongly", command.argv.at(2));
    tree.patch(inside(command.argv.at(2)), 4096, std::string(4096, '\0'));
    return system::Completed{};
  }

  Result<system::Completed> make_filesystem(const system::Command& command) {
    const std::string device = inside(command.argv.back());
    const auto content = system::probe(tree.files(), device);
    if (!content || !content->type.empty()) tree.file("/wrote-wrongly", device);
    if (!content || !content->type.empty())
      return refusal("mkfs.xfs: " + device + " appears to contain something.");
    const auto uuid = std::find_if(command.argv.begin(), command.argv.end(),
                                   [](const std::string& word) { return word.rfind("uuid=", 0) == 0; });
    const std::string superblock = xfs_superblock(uuid->substr(5), "fettle", makes);
    tree.patch(device, 0, superblock);
    if (drives.size() > 1) {
      const auto members = tree.files().list("/sys/block/md127/slaves");
      tree.patch("/dev/" + members->front(), data_offset, superblock).file("/made-on-members");
    }
    if (makes == Made::unfinished) ::raise(SIGKILL);
    return system::Completed{};
  }

  Result<system::Completed> unmark(const system::Command& command) {
    tree.patch(inside(command.argv.back()), 0, std::string(4, '\0'));
    return system::Completed{};
  }
};

}  // namespace fettle::test
