// The built machines must look like a kernel's, or every test on them is worth nothing.
#include <doctest/doctest.h>

#include "support/nvme.h"

using namespace fettle;
using namespace fettle::test;

TEST_CASE("support: built drives lie where a kernel has them") {
  Tree tree;
  auto drives = add_drives(tree, 8);
  const auto& files = tree.files();
  CHECK(*files.read("/sys/block/nvme3n1/device/serial") == "SN0004              \n");
  CHECK(*files.read("/sys/block/nvme3n1/size") == "7501476528\n");
  CHECK(*files.read("/sys/dev/block/259:48/dev") == "259:48\n");
  CHECK(*files.read("/sys/class/nvme/nvme7/address") == "0000:17:00.0\n");
  CHECK(files.look("/dev/nvme7n1")->size == Bytes{3'840'755'982'336});
  add_array(tree, {.members = {"nvme0n1", "nvme1n1"}, .bytes = 1ULL << 40U});
  CHECK(*files.read("/sys/block/nvme1n1/holders/md127/md/level") == "raid0\n");
  CHECK(*files.read("/sys/block/md127/md/dev-nvme1n1/block/dev") == "259:16\n");
  CHECK(*files.read("/sys/block/md127/slaves/nvme0n1/nsid") == "1\n");
}

TEST_CASE("support: drives come back under other names with what they hold") {
  Tree tree;
  auto drives = add_drives(tree, 3);
  tree.patch("/dev/nvme0n1", 4096, "mine");
  renumber(tree, drives, {2, 0, 1});
  CHECK(*tree.files().read("/sys/block/nvme2n1/device/serial") == "SN0001              \n");
  CHECK(tree.files().list("/sys/block")->size() == 3);
  CHECK(tree.files().list("/dev")->size() == 3);
  auto fd = tree.files().open_at("/dev/nvme2n1", 0);
  REQUIRE(fd);
  char text[4] = {};
  CHECK(::pread(fd->get(), text, 4, 4096) == 4);
  CHECK(std::string_view(text, 4) == "mine");
}

TEST_CASE("support: partitions, multipath, mapper, mounts and swap") {
  Tree tree;
  add_drive(tree, {.number = 0, .serial = "OS", .partitions = 2});
  add_drive(tree, {.number = 1, .serial = "MP"});
  add_multipath(tree, {.number = 1, .serial = "MP"});
  add_mapper(tree, "dm-0", {"nvme0n1p2"});
  add_mount(tree, "252:0", "/dev/mapper/my root", "/a b");
  add_swap(tree, "/dev/nvme0n1p1");
  const auto& files = tree.files();
  CHECK(*files.read("/sys/block/nvme0n1/nvme0n1p2/holders/dm-0/dev") == "252:0\n");
  CHECK(*files.read("/sys/block/nvme1c1n1/hidden") == "1\n");
  CHECK_FALSE(*files.exists("/sys/block/nvme1n1/device/numa_node"));
  CHECK(*files.read("/sys/block/nvme1n1/device/serial") == "MP                  \n");
  CHECK(*files.read("/proc/self/mountinfo") ==
        "36 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "36 1 252:0 / /a\\040b rw,relatime shared:1 - ext4 /dev/mapper/my\\040root rw\n");
  CHECK(files.read("/proc/swaps")->ends_with("/dev/nvme0n1p1 partition\t8388604\t0\t-2\n"));
}
