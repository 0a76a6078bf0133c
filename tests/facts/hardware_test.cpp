#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <chrono>

#include "facts/readers.h"
#include "support/nvme.h"

using namespace fettle;
using namespace fettle::facts;
using namespace fettle::test;

TEST_CASE("facts: GPUs are found on PCI with and without a driver") {
  Tree tree("baremetal-spx");
  const auto gpus = read_gpus_on_pci(tree.files());
  REQUIRE(gpus);
  REQUIRE(gpus->size() == 8);
  CHECK(gpus->front().pci_address == "0000:05:00.0");
  CHECK(gpus->front().pci_device == 0x74a1);
  CHECK(count_gpus(*read_kfd(tree.files())) == 8);
  tree.overlay("driver-not-loaded");
  CHECK(read_gpus_on_pci(tree.files())->size() == 8);
  CHECK(count_gpus(*read_kfd(tree.files())) == 0);
}

TEST_CASE("facts: GPUs of a virtual machine have PCI domains of their own") {
  Tree tree("azure-nd-mi300x-v5-spx");
  const auto gpus = read_gpus_on_pci(tree.files());
  REQUIRE(gpus);
  REQUIRE(gpus->size() == 8);
  CHECK(gpus->front().pci_device == 0x74b5);
  CHECK(count_gpus(*read_kfd(tree.files())) == 8);  // location 0 is a GPU like any other
}

TEST_CASE("facts: a missing GPU is missing in both places") {
  Tree tree("baremetal-spx");
  tree.overlay("gpu-missing");
  CHECK(read_gpus_on_pci(tree.files())->size() == 7);
  CHECK(count_gpus(*read_kfd(tree.files())) == 7);
}

TEST_CASE("facts: partitions of one GPU count once, and other devices of the vendor do not count") {
  Tree tree;
  tree.directory("/sys/class")
      .file("/sys/class/kfd/kfd/topology/nodes/0/properties", "cpu_cores_count 96\nsimd_count 0\n");
  for (int i = 0; i < 8; ++i) {
    tree.file("/sys/class/kfd/kfd/topology/nodes/" + std::to_string(i + 1) + "/properties",
              "cpu_cores_count 0\nsimd_count 152\nlocation_id " + std::to_string(1280 + i) + "\ndomain 0\n");
  }
  CHECK(count_gpus(*read_kfd(tree.files())) == 1);
  const auto add = [&](const char* address, const char* vendor, const char* device_class) {
    const std::string at = std::string("/sys/bus/pci/devices/") + address;
    tree.file(at + "/vendor", vendor).file(at + "/class", device_class).file(at + "/device", "0x1638\n");
  };
  add("0000:00:00.0", "0x1022\n", "0x060000\n");
  add("0000:01:00.0", "0x1002\n", "0x060400\n");  // a bridge of the GPU's board
  add("0000:02:00.0", "0x1002\n", "0x040300\n");  // its sound
  add("0000:03:00.0", "0x1002\n", "0x030000\n");
  const auto gpus = read_gpus_on_pci(tree.files());
  REQUIRE(gpus);
  REQUIRE(gpus->size() == 1);
  CHECK(gpus->front().pci_device == 0x1638);
  add("0000:04:00.0", "amd\n", "0x030000\n");
  CHECK(read_gpus_on_pci(tree.files()).error().said ==
        "cannot look for GPUs on PCI: cannot read '/sys/bus/pci/devices/0000:04:00.0/vendor': 'amd' is not a "
        "number");
}

TEST_CASE("facts: without sysfs there is no count at all") {
  Tree tree;
  CHECK(read_gpus_on_pci(tree.files()).error().why == Why::missing);
  CHECK(read_kfd(tree.files()).error().why == Why::missing);
  CHECK(read_drives(tree.files(), std::vector<Mount>{}).error().why == Why::missing);
  CHECK(read_arrays(tree.files()).error().why == Why::missing);
}

namespace {

Result<std::vector<Drive>> drives_of(const Tree& tree) {
  return read_drives(tree.files(), read_mounts(tree.files()));
}

}  // namespace

TEST_CASE("facts: a drive is who its serial says, trimmed, with size in bytes") {
  Tree tree;
  add_drives(tree, 8);
  const auto drives = drives_of(tree);
  REQUIRE(drives);
  REQUIRE(drives->size() == 8);
  const Drive& drive = drives->at(3);
  CHECK(drive.name == "nvme3n1");
  CHECK(drive.model == "Microsoft NVMe Direct Disk v2");
  CHECK(drive.serial == "SN0004");
  CHECK(drive.wwid == "nvme.1414-SN0004-1");
  CHECK(drive.nsid == "1");
  CHECK(drive.transport == "pcie");
  CHECK(drive.size == Bytes{3'840'755'982'336});
  CHECK(drive.block_size == 512);
  CHECK(drive.node == makedev(259, 48));
  CHECK(drive.diskseq == 13);
  CHECK(drive.numa_node == 0);
  CHECK(drives->at(7).numa_node == 1);
  CHECK(drive.partitions.empty());
  CHECK(drive.holders.empty());
  CHECK(drive.in_use.empty());
}

// F01
TEST_CASE("facts: after a reboot the same drives have other names") {
  Tree tree;
  auto built = add_drives(tree, 3);
  renumber(tree, built, {2, 0, 1});
  const auto drives = drives_of(tree);
  REQUIRE(drives);
  CHECK(drives->at(2).serial == "SN0001");
  CHECK(drives->at(0).serial == "SN0002");
  CHECK(drives->at(1).serial == "SN0003");
}

// F02, F03: what may be taken is the profile's business; here they must only be told apart.
TEST_CASE("facts: an OS drive of the remote model is in use, its data neighbour has another namespace id") {
  Tree tree;
  const DriveSpec os{.number = 0, .serial = "REMOTE", .model = azure_remote_model, .partitions = 3};
  add_mount(tree, device_number(os, 1), "/dev/root", "/");
  add_mount(tree, device_number(os, 3), "/dev/nvme0n1p3", "/boot/efi", "vfat");
  add_drive(tree, os);
  add_drive(tree, {.number = 0, .serial = "REMOTE", .model = azure_remote_model, .after_n = 2, .nsid = 5});
  const auto drives = drives_of(tree);
  REQUIRE(drives);
  REQUIRE(drives->size() == 2);
  CHECK(drives->at(0).partitions == std::vector<std::string>{"nvme0n1p1", "nvme0n1p2", "nvme0n1p3"});
  CHECK(drives->at(0).in_use ==
        std::vector<std::string>{"nvme0n1p1 mounted on /", "nvme0n1p3 mounted on /boot/efi"});
  CHECK(drives->at(1).name == "nvme0n2");
  CHECK(drives->at(1).nsid == "5");
  CHECK(drives->at(1).in_use.empty());
}

// F04, F10, F12
TEST_CASE("facts: a drive is in use through partitions, arrays, mapped devices and swap") {
  Tree tree;
  add_drive(tree, {.number = 0, .serial = "BOOT", .partitions = 3});
  add_drive(tree, {.number = 1, .serial = "TWIN", .partitions = 2});
  add_drive(tree, {.number = 2, .serial = "DATA"});
  add_drive(tree, {.number = 3, .serial = "FREE"});
  add_drive(tree, {.number = 4, .serial = "CRYPT"});
  add_array(tree,
            {.name = "md0", .level = "raid1", .members = {"nvme0n1p2", "nvme1n1p2"}, .bytes = 1U << 30U});
  add_mapper(tree, "dm-0", {"md0"});
  add_mapper(tree, "dm-1", {"nvme4n1"});
  tree.file("/proc/self/mountinfo", "");
  add_mount(tree, "252:0", "/dev/mapper/dm-0-name", "/");
  add_mount(tree, "252:0", "/dev/mapper/dm-0-name", "/home");
  add_mount(tree, "252:0", "/dev/mapper/dm-0-name", "/home");
  add_mount(tree, "259:32", "/dev/nvme2n1", "/my data");
  add_mount(tree, "0:44", "/dev/mapper/dm-1-name", "/btrfs", "btrfs");
  add_swap(tree, "/dev/nvme0n1p3");
  add_swap(tree, "/swap.img");
  const auto drives = drives_of(tree);
  REQUIRE(drives);
  using Texts = std::vector<std::string>;
  CHECK(drives->at(0).holders == Texts{"md0"});
  CHECK(drives->at(0).in_use ==
        Texts{"part of dm-0 mounted on / and 1 other place", "nvme0n1p3 used as swap"});
  CHECK(drives->at(1).in_use == Texts{"part of dm-0 mounted on / and 1 other place"});
  CHECK(drives->at(2).in_use == Texts{"mounted on /my data"});
  CHECK(drives->at(3).in_use.empty());
  CHECK(drives->at(4).in_use == Texts{"part of dm-1 mounted on /btrfs"});
}

TEST_CASE("facts: a member of a mounted btrfs that mountinfo does not name is in use") {
  Tree tree;
  add_drives(tree, 2);
  add_mount(tree, "0:50", "/dev/nvme0n1", "/pool", "btrfs");
  tree.file("/sys/fs/btrfs/0c0ffee0/devices/nvme0n1/x").file("/sys/fs/btrfs/0c0ffee0/devices/nvme1n1/x");
  const auto drives = drives_of(tree);
  REQUIRE(drives);
  CHECK(drives->at(0).in_use == std::vector<std::string>{"mounted on /pool"});
  CHECK(drives->at(1).in_use == std::vector<std::string>{"part of a mounted btrfs"});
}

TEST_CASE("facts: hidden paths of multipath drives are left out, the drive is not") {
  Tree tree;
  const DriveSpec drive{.number = 0, .serial = "MP", .numa_node = 1};
  add_drive(tree, drive);
  add_multipath(tree, drive);
  const auto drives = drives_of(tree);
  REQUIRE(drives);
  REQUIRE(drives->size() == 1);
  CHECK(drives->front().name == "nvme0n1");
  CHECK(drives->front().serial == "MP");
  CHECK(drives->front().transport == "pcie");
  CHECK(drives->front().numa_node == 1);
}

TEST_CASE("facts: what nobody could look at does not seem free") {
  Tree tree;
  add_drives(tree, 2);
  const auto drives = read_drives(tree.files(), fail(Why::denied, "cannot read '/proc/self/mountinfo': no"));
  CHECK(drives.error().said == "cannot tell which drives are in use: cannot read '/proc/self/mountinfo': no");
  CHECK(drives.error().why == Why::denied);
  struct Row {
    const char* path;
    const char* content;
  };
  for (const Row& row : {Row{"size", "many\n"}, Row{"size", ""}, Row{"dev", "259\n"}, Row{"dev", "a:b\n"},
                         Row{"queue/logical_block_size", "-1\n"}}) {
    CAPTURE(row.path);
    Tree bad;
    add_drive(bad, {.number = 0, .serial = "A"});
    bad.file(std::string("/sys/block/nvme0n1/") + row.path, row.content);
    const auto read = drives_of(bad);
    REQUIRE_FALSE(read);
    CHECK(read.error().why == Why::malformed);
    CHECK(read.error().said.find(std::string("/sys/block/nvme0n1/") + row.path) != std::string::npos);
  }
  Tree loop;  // a holder chain without end
  add_drive(loop, {.number = 0, .serial = "A"});
  add_mapper(loop, "dm-0", {"nvme0n1"});
  loop.link("/sys/devices/virtual/block/dm-0/holders/dm-0", "../../dm-0");
  CHECK(drives_of(loop));
  loop.remove("/proc/swaps").directory("/proc/swaps");
  CHECK_FALSE(drives_of(loop));
}

TEST_CASE("facts: an array is told with its state and members") {
  Tree tree;
  add_drives(tree, 3);
  CHECK(read_arrays(tree.files())->empty());
  add_array(tree, {.members = {"nvme0n1", "nvme2n1"}, .bytes = 7'681'511'948'288});
  add_array(tree, {.name = "md126", .state = "inactive", .members = {"nvme1n1"}, .raid_disks = 4});
  tree.file("/sys/block/mdebug/size", "8\n");  // no array although its name begins like one
  auto arrays = read_arrays(tree.files());
  REQUIRE(arrays);
  REQUIRE(arrays->size() == 2);
  CHECK(arrays->at(0).name == "md126");
  CHECK(arrays->at(0).state == "inactive");
  CHECK(arrays->at(0).raid_disks == 4);
  CHECK(arrays->at(0).size == Bytes{0});
  CHECK(arrays->at(1).state == "clean");
  CHECK(arrays->at(1).level == "raid0");
  CHECK(arrays->at(1).members == std::vector<std::string>{"nvme0n1", "nvme2n1"});
  CHECK(arrays->at(1).size == Bytes{7'681'511'948'288});
  tree.file("/sys/block/md127/md/raid_disks", "8 (7)\n");
  CHECK(read_arrays(tree.files())->at(1).raid_disks == 8);
  tree.remove("/sys/devices/virtual/block/md127/md/array_state");
  CHECK_FALSE(read_arrays(tree.files()));
}

// F56
TEST_CASE("facts: mountinfo with escapes, optional fields and read-only file systems") {
  const auto mounts = parse_mountinfo(
      "36 35 98:0 /mnt1 /a\\040b\\134c rw,noatime master:1 propagate_from:2 - ext3 /dev/my\\040root "
      "rw,errors=continue\n"
      "37 1 9:127 / /srv/fettle ro,nosuid - xfs /dev/md127 rw\n"
      "38 1 0:6 / /x rw,nosuid - xfs /dev/md127 ro,nosuid,attr2\n");
  REQUIRE(mounts);
  REQUIRE(mounts->size() == 3);
  CHECK(mounts->at(0).where == "/a b\\c");
  CHECK(mounts->at(0).what == "/dev/my root");
  CHECK(mounts->at(0).type == "ext3");
  CHECK(mounts->at(0).device == "98:0");
  CHECK(mounts->at(0).options == "rw,noatime,errors=continue");
  CHECK(mounts->at(1).options ==
        "rw,nosuid");  // what ProtectSystem=strict shows of a file system that can be written
  CHECK(mounts->at(2).options == "ro,nosuid,attr2");
  CHECK(unescape_octal("\\12") == "\\12");
  CHECK(unescape_octal("\\777\\040") == "\\777 ");
  CHECK(unescape_octal("a\\") == "a\\");
}

// F56
TEST_CASE("facts: one bad line of mountinfo spoils the whole fact and is named") {
  const std::string good = "36 35 98:0 / / rw - ext4 /dev/sda1 rw\n";
  for (const char* const bad : {"36 35 98:0 / / rw ext4 /dev/sda1 rw\n", "36 35 98:0 / / -\n", "nonsense\n",
                                "\n", "1 2 3 4 5 6 - ext4 x\n"}) {
    CAPTURE(bad);
    const auto mounts = parse_mountinfo(good + bad + good);
    REQUIRE_FALSE(mounts);
    CHECK(mounts.error().said ==
          "cannot read '/proc/self/mountinfo': line 2 does not have the fields of a mount");
  }
}

TEST_CASE("facts: identity needs a real machine id and gets by without DMI") {
  Tree tree;
  CHECK_FALSE(read_identity(tree.files()));
  tree.file("/etc/machine-id", "uninitialized\n").file("/proc/sys/kernel/random/boot_id", "b00t\n");
  CHECK(read_identity(tree.files()).error().why == Why::malformed);
  tree.file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  auto identity = read_identity(tree.files());
  REQUIRE(identity);
  CHECK(identity->machine_id == "0123456789abcdef0123456789abcdef");
  CHECK(identity->boot_id == "b00t");
  CHECK(identity->product_uuid.empty());
  tree.file("/sys/class/dmi/id/product_uuid", "4c4c4544-0000\n");
  CHECK(read_identity(tree.files())->product_uuid == "4c4c4544-0000");
}

TEST_CASE("facts: memory and uptime are numbers with units, or an error") {
  Tree tree;
  tree.file("/proc/meminfo", "MemTotal:       1940000000 kB\nMemFree: 1 kB\n")
      .file("/proc/uptime", "350.71 702.3\n");
  CHECK(*read_memory(tree.files()) == Bytes{1'940'000'000ULL * 1024});
  CHECK(*read_uptime(tree.files()) == std::chrono::seconds(350));
  for (const char* const bad :
       {"", "MemTotal: many kB\n", "MemTotal: 12 MB\n", "MemTotal: 99999999999999999 kB\n"}) {
    tree.file("/proc/meminfo", bad);
    CHECK(read_memory(tree.files()).error().why == Why::malformed);
  }
  tree.file("/proc/uptime", "-3\n");
  CHECK(read_uptime(tree.files()).error().why == Why::malformed);
}

TEST_CASE("facts: gathering never fails as a whole, and nothing read is not nothing there") {
  Tree empty;
  const Facts none = gather(empty.files());
  CHECK_FALSE(none.os);
  CHECK_FALSE(none.driver);
  CHECK_FALSE(none.gpus_on_pci);
  CHECK_FALSE(none.drives);
  CHECK(none.rocm);  // no /opt/rocm* is an answer
  CHECK(none.rocm->empty());
  CHECK(Facts{}.memory.error().said == "cannot say yet: not looked at");
}

TEST_CASE("facts: the built node with eight drives is gathered whole") {
  Tree tree("baremetal-spx");
  add_drives(tree, 8);
  add_array(tree, {.members = {"nvme0n1", "nvme1n1"}, .bytes = 1ULL << 40U});
  tree.file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
      .file("/proc/sys/kernel/random/boot_id", "b\n");
  tree.file("/proc/meminfo", "MemTotal: 1 kB\n").file("/proc/uptime", "1.0 1.0\n");
  const Facts facts = gather(tree.files());
  CHECK(facts.os);
  CHECK(facts.kernel);
  CHECK(facts.driver);
  CHECK(facts.driver_package);
  CHECK(facts.rocm);
  CHECK(facts.gpus_on_pci);
  CHECK(facts.gpus_in_kfd);
  CHECK(facts.drives->size() == 8);
  CHECK(facts.arrays->size() == 1);
  CHECK(facts.mounts);
  CHECK(facts.identity);
  CHECK(facts.memory);
  CHECK(facts.uptime);
}
