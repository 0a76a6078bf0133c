// What is left alone, from machines made of files: no step, no program, not a byte. Fault ids are those of
// the fault table.
#include <doctest/doctest.h>

#include <numeric>

#include "storage/plan_support.h"

using namespace fettle;
using namespace fettle::storage;

TEST_CASE("storage: remote drives of the cloud are never candidates, blank or not (F02, F03)") {
  StorageMachine machine;
  DriveSpec remote;
  remote.number = 8;
  remote.serial = "REMOTE0001";
  remote.model = test::azure_remote_model;
  remote.bytes = test::small_drive;
  add_drive(machine.tree, remote);
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::all_blank);
  CHECK(planned.drives.size() == 9);
  CHECK(drive_of(planned, "REMOTE0001").role == Role::unwanted);
  CHECK(system::to_text(planned.steps[1].command).find("nvme8n1") == std::string::npos);
}

TEST_CASE("storage: a boot drive of the same model is left out, and the rest is counted (F04)") {
  StorageMachine machine(9);
  machine.profile.cache->drives->count = 8;
  machine.drives[4].partitions = 2;
  machine.replug();
  add_mount(machine.tree, device_number(machine.drives[4], 1), "/dev/nvme4n1p1", "/boot");
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::all_blank);
  CHECK(drive_of(planned, "SN0005").role == Role::system);
  CHECK(drive_of(planned, "SN0005").why.find("/boot") != std::string::npos);
  CHECK(system::to_text(planned.steps[1].command).find("nvme4n1") == std::string::npos);
}

TEST_CASE("storage: excluded models are left alone even when a pattern matches") {
  StorageMachine machine;
  machine.profile.cache->drives->models = {"*"};
  machine.profile.cache->drives->exclude_models = {"Microsoft*"};
  check_refused(machine, Verdict::incomplete, {"0 of 8"});
}

TEST_CASE(
    "storage: blank drives of models that nobody named are pointed out, with the line that takes them") {
  StorageMachine machine(4);
  machine.profile.cache->drives->count = 8;
  machine.drives[0].model = "KIOXIA [CM7] 3.2T";
  for (std::size_t at = 1; at < 4; ++at) machine.drives[at].model = "SAMSUNG MZ1";
  machine.replug();
  const auto hint = [&] {
    check_refused(machine, Verdict::incomplete, {"0 of 8"});
    return plan_of(machine).refusal->hint;
  };
  CHECK(
      hint() ==
      "no drive here is of the models that the profile names. Blank, local and unused are 1 of model "
      "\"KIOXIA \\\\[CM7] 3.2T\", 3 of model \"SAMSUNG MZ1\": below `cache: drives:` of the profile `models: "
      "[\"SAMSUNG MZ1\"]` and `count: 3` would take them");
  // The line does what it says.
  machine.profile.cache->drives->models = {"KIOXIA \\[CM7] 3.2T"};
  machine.profile.cache->drives->count = 1;
  CHECK(plan_of(machine).verdict == Verdict::all_blank);
  machine.profile.cache->drives->models = {"Microsoft NVMe Direct Disk*"};
  machine.profile.cache->drives->count = 8;
  // What is used, carries something, is remote or excluded is not blank, local and unused.
  machine.drives[1].partitions = 1;
  machine.replug();
  machine.tree.patch(machine.device(2), 1024, "x");
  machine.profile.cache->drives->exclude_models = {"KIOXIA*"};
  CHECK(hint().find("are 1 of model \"SAMSUNG MZ1\":") != std::string::npos);
  machine.profile.cache->drives->exclude_models = {"*"};
  CHECK(hint().starts_with("look for the others with "));
  // One drive of a wanted model is enough to look for its siblings only.
  machine.profile.cache->drives->exclude_models.clear();
  machine.drives[3].model = test::azure_local_model;
  machine.replug();
  const Plan planned = plan_of(machine);
  CHECK(planned.refusal->said.find("1 of 8 drives found") != std::string::npos);
  CHECK(planned.refusal->hint.starts_with("look for the others with "));
}

TEST_CASE("storage: a drive with somebody's filesystem is named and nothing happens (F05, F06)") {
  struct Row {
    const char* holds;
    std::uint64_t at;
    std::string bytes;
    const char* word;
  };
  std::string swap(4096, '\0');
  swap.replace(1024, 4, std::string("\1\0\0\0", 4));  // version 1
  swap.replace(1028, 4, std::string("\377\377\0\0", 4));
  swap.replace(4086, 10, "SWAPSPACE2");
  std::string luks(1024, '\0');
  luks.replace(0, 8, std::string("LUKS\xba\xbe\0\1", 8));
  luks.replace(168, 36, other_uuid);
  const std::vector<Row> rows{
      {"XFS", 0, test::xfs_superblock(other_uuid, "precious"), "xfs 'precious'"},
      {"swap", 0, swap, "swap"},
      {"LUKS", 0, luks, "crypto_LUKS"},
      {"a RAID member", 4096, test::md_superblock(other_uuid, "other:data", 8, 3, 1ULL << 30U), "other:data"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.holds);
    StorageMachine machine;
    machine.tree.patch(machine.device(3), row.at, row.bytes);
    check_refused(machine, Verdict::foreign, {"SN0004", test::azure_local_model, row.word});
  }
}

TEST_CASE("storage: data without any signature is not blank, wherever it lies (F06)") {
  const std::uint64_t size = 1ULL << 30U;
  for (const std::uint64_t at :
       {std::uint64_t{0}, std::uint64_t{16 * 1024 * 1024 - 1}, size - 16 * 1024 * 1024, size - 1,
        std::uint64_t{64} << 20U, std::uint64_t{129} << 20U}) {
    CAPTURE(at);
    StorageMachine machine(2, size);
    machine.tree.patch(machine.device(1), at, "x");
    check_refused(machine, Verdict::foreign, {"SN0002", "data without a signature"});
  }
}

TEST_CASE("storage: a partition table is foreign, also when only the kernel knows of it (F07)") {
  StorageMachine machine;
  machine.drives[2].partitions = 1;
  machine.replug();
  check_refused(machine, Verdict::foreign, {"SN0003", "1 partition"});
}

TEST_CASE("storage: a DOS partition table without partitions is foreign (F07)") {
  StorageMachine machine;
  machine.tree
      .patch(machine.device(2), 446, std::string("\0\x20\x21\0\x83\x10\x10\x10\0\x08\0\0\0\x08\0\0", 16))
      .patch(machine.device(2), 510, "\x55\xaa");
  check_refused(machine, Verdict::foreign, {"SN0003", "dos"});
}

TEST_CASE("storage: a drive that cannot be read is not blank (F08)") {
  StorageMachine machine;
  machine.tree.remove(machine.device(6)).link(machine.device(6), "/nowhere");
  check_refused(machine, Verdict::foreign, {"SN0007"});
  CHECK(drive_of(plan_of(machine), "SN0007").role == Role::unreadable);
}

TEST_CASE("storage: a drive shorter than the kernel says is not blank (F08)") {
  StorageMachine machine;
  machine.tree.sparse(machine.device(6), test::small_drive - 4096);
  check_refused(machine, Verdict::foreign, {"SN0007", "cannot trust the size"});
}

TEST_CASE("storage: two signatures on one drive are foreign (F09)") {
  StorageMachine machine;
  std::string swap(10, '\0');
  swap.replace(0, 10, "SWAPSPACE2");
  std::string ext(2, '\0');
  machine.tree.patch(machine.device(0), 0, test::xfs_superblock(other_uuid, "one"))
      .patch(machine.device(0), 4096, test::md_superblock(other_uuid, "other:two", 8, 0, 1ULL << 30U))
      .patch(machine.device(0), 446, std::string("\0\x20\x21\0\x83\x10\x10\x10\0\x08\0\0\0\x08\0\0", 16))
      .patch(machine.device(0), 510, "\x55\xaa");
  check_refused(machine, Verdict::foreign, {"SN0001"});
}

TEST_CASE("storage: a mounted or swapped candidate is left out as busy (F10, F12)") {
  StorageMachine machine;
  add_mount(machine.tree, device_number(machine.drives[1]), "/dev/nvme1n1", "/data", "xfs");
  check_refused(machine, Verdict::incomplete, {"7 of 8"});
  const Plan planned = plan_of(machine);
  CHECK(drive_of(planned, "SN0002").role == Role::system);
  CHECK(drive_of(planned, "SN0002").why == "mounted on /data");

  StorageMachine swapped;
  test::add_swap(swapped.tree, "/dev/nvme1n1");
  check_refused(swapped, Verdict::incomplete, {"7 of 8"});
}

TEST_CASE(
    "storage: a candidate that only the kernel knows to be mounted, in a container say, is busy (F11)") {
  StorageMachine machine;
  Sight sight = look_at(machine);
  // No mount, no holder, no signature: the exclusive open alone fails (tests/system/block_test.cpp, F11).
  CHECK(sight.drives[5].drive.in_use.empty());
  CHECK(sight.drives[5].drive.holders.empty());
  sight.drives[5].free = fail(
      Why::refused, "cannot have '/dev/nvme5n1' for us alone: it is mounted, swap or a member of something");
  sight.drives[5].blank = fail(Why::missing, "not looked");
  const Plan planned = plan(sight, machine.profile, fresh);
  CHECK(planned.verdict == Verdict::foreign);
  CHECK(planned.steps.empty());
  CHECK(drive_of(planned, "SN0006").role == Role::busy);
  REQUIRE(planned.refusal);
  CHECK(planned.refusal->said.find("SN0006") != std::string::npos);
  CHECK(planned.refusal->said.find("it is mounted") != std::string::npos);
}

TEST_CASE("storage: a candidate below device mapper is busy, and the holder is named (F12)") {
  StorageMachine machine;
  test::add_mapper(machine.tree, "dm-0", {name_of(machine.drives[5])});
  check_refused(machine, Verdict::foreign, {"SN0006", "held by dm-0"});
}

TEST_CASE("storage: a candidate that backs a loop device is busy (F13)") {
  StorageMachine machine;
  machine.tree.file("/sys/block/loop0/loop/backing_file", "/dev/nvme5n1\n").directory("/sys/block/loop1");
  check_refused(machine, Verdict::foreign, {"SN0006", "loop0"});
}

TEST_CASE("storage: a candidate that another process has open is busy (F14)") {
  StorageMachine machine;
  machine.tree.link("/proc/4711/fd/3", "/dev/nvme5n1")
      .link("/proc/4711/fd/1", "/dev/null")
      .directory("/proc/12/fd");
  check_refused(machine, Verdict::foreign, {"SN0006", "process 4711"});
}

TEST_CASE("storage: seven drives where eight are wanted (F15), or nine (F16)") {
  StorageMachine seven(7);
  seven.profile.cache->drives->count = 8;
  check_refused(seven, Verdict::incomplete, {"7 of 8"});
  StorageMachine nine(9);
  nine.profile.cache->drives->count = 8;
  check_refused(nine, Verdict::incomplete, {"9 of 8", "more than"});
  StorageMachine none(0);
  none.profile.cache->drives->count = 8;
  check_refused(none, Verdict::incomplete, {"0 of 8"});
}

TEST_CASE("storage: a whole cache is left as it is when a ninth drive turns up (F16)") {
  StorageMachine machine;
  REQUIRE_FALSE(provision(machine).error);
  DriveSpec ninth = machine.drives[0];
  ninth.number = 9;
  ninth.serial = "SN0009";
  add_drive(machine.tree, ninth);
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::same);
  CHECK(planned.steps.empty());
  REQUIRE(planned.warnings.size() == 1);
  CHECK(planned.warnings[0].find("SN0009") != std::string::npos);
}

TEST_CASE("storage: drives of unequal size are refused (F17), mixed sectors only mentioned (F30)") {
  StorageMachine unequal(2);
  unequal.drives[1].bytes = 2ULL << 30U;
  unequal.replug();
  unequal.tree.sparse(unequal.device(1), 2ULL << 30U);
  check_refused(unequal, Verdict::all_blank, {"unequal"});
  StorageMachine mixed(2);
  mixed.drives[1].block_size = 4096;
  mixed.replug();
  const Plan planned = plan_of(mixed);
  CHECK(is_good(planned));
  CHECK(planned.warnings.size() == 1);
}

TEST_CASE("storage: two drives with one serial number are refused") {
  StorageMachine machine(2);
  machine.drives[1].serial = machine.drives[0].serial;
  machine.replug();
  check_refused(machine, Verdict::foreign, {"SN0001"});
}

TEST_CASE("storage: a stale array of others over all drives is not stopped (F18)") {
  StorageMachine machine;
  machine.put_array(other_uuid, "oldhost:data", "data");
  check_refused(machine, Verdict::foreign, {"oldhost:data", "SN0001", "SN0008"});
  CHECK(*machine.tree.files().exists("/sys/block/md127"));
}

TEST_CASE("storage: a member that is missing makes the cache incomplete, never new (F20, F22)") {
  StorageMachine machine;
  REQUIRE_FALSE(provision(machine).error);
  machine.power_cycle();
  machine.tree.remove("/sys/block/nvme5n1").remove("/dev/nvme5n1");
  machine.ran.clear();
  SUBCASE("udev left nothing") {}
  SUBCASE("udev holds the others in an inactive array") {
    machine.start_array({"nvme0n1", "nvme1n1", "nvme2n1", "nvme3n1", "nvme4n1", "nvme6n1", "nvme7n1"},
                        "inactive");
  }
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::incomplete);
  CHECK(planned.steps.empty());
  REQUIRE(planned.refusal);
  CHECK(planned.refusal->said.find("7 of 8") != std::string::npos);
  CHECK(planned.refusal->said.find("SN0006") != std::string::npos);
  CHECK(drive_of(planned, "SN0006").role == Role::missing);
}

TEST_CASE("storage: our array that lost a member while in use is dead (F21)") {
  StorageMachine machine;
  REQUIRE_FALSE(provision(machine).error);
  machine.tree.file("/sys/devices/virtual/block/md127/md/array_state", "broken\n");
  machine.ran.clear();
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::dead);
  REQUIRE(planned.refusal);
  CHECK(planned.refusal->said.find("md127 is broken") != std::string::npos);
}

TEST_CASE("storage: drives that came back blank become a new cache, the old record is kept aside (F23)") {
  StorageMachine machine;
  REQUIRE_FALSE(provision(machine).error);
  const std::string old = machine.tree.read("/var/lib/fettle/provision/storage.json");
  machine.power_cycle();
  machine.blank_all();
  const Fresh names{"aaaaaaaa-0000-4000-8000-00000000000a", "bbbbbbbb-0000-4000-8000-00000000000b",
                    "cccccccc-0000-4000-8000-00000000000c"};
  const Plan planned = plan(look_at(machine), machine.profile, names);
  CHECK(planned.verdict == Verdict::all_blank);
  REQUIRE_FALSE(apply(planned, machine.system()).error);
  CHECK(read_record(machine.tree.files())->array_uuid == names.array_uuid);
  CHECK(machine.tree.read("/var/lib/fettle/provision/storage.json.previous") == old);
}

TEST_CASE("storage: one drive of ours replaced by a blank one is for the operator (F24)") {
  StorageMachine machine;
  REQUIRE_FALSE(provision(machine).error);
  machine.power_cycle();
  machine.ran.clear();
  SUBCASE("the same drive, blank") {
    machine.tree.sparse(machine.device(2), test::small_drive);
  }
  SUBCASE("another drive in its place") {
    machine.tree.sparse(machine.device(2), test::small_drive);
    machine.drives[2].serial = "NEW0001";
    machine.replug();
  }
  check_refused(machine, Verdict::some_replaced, {"7 of 8"});
}

TEST_CASE("storage: one drive of ours replaced by a foreign one is foreign (F24)") {
  StorageMachine machine;
  REQUIRE_FALSE(provision(machine).error);
  machine.power_cycle();
  machine.ran.clear();
  machine.tree.sparse(machine.device(2), test::small_drive)
      .patch(machine.device(2), 0, test::xfs_superblock(other_uuid, "precious"));
  check_refused(machine, Verdict::foreign, {"SN0003", "precious"});
}

TEST_CASE("storage: the name of the array is taken by something else (F26)") {
  StorageMachine machine;
  machine.tree.link("/dev/md/fettle", "/dev/null");
  check_refused(machine, Verdict::all_blank, {"/dev/md/fettle"});
}

TEST_CASE("storage: another tool that owns the local drives is stood down for (F31)") {
  for (const char* const line :
       {"/dev/disk/azure/local/by-index/1 /mnt xfs defaults,comment=azure-ephemeral-disk-setup 0 0\n",
        "LABEL=AzureEphmDsk /data ext4 defaults 0 2\n", "/dev/md/kube  /srv/fettle xfs nofail 0 0\n"}) {
    CAPTURE(line);
    StorageMachine machine;
    machine.tree.file("/etc/fstab", std::string("# azure-ephemeral-disk-setup was here\n") + line);
    check_refused(machine, Verdict::all_blank, {"/etc/fstab"});
  }
  StorageMachine comment_only;
  comment_only.tree.file("/etc/fstab", "# /dev/sdb /srv/fettle xfs\nLABEL=root / ext4\n");
  CHECK(is_good(plan_of(comment_only)));
}

TEST_CASE(
    "storage: the mount point must be an empty directory that nobody mounted on, nor above it later (F32)") {
  StorageMachine file;
  file.tree.remove("/srv/fettle").file("/srv/fettle", "");
  check_refused(file, Verdict::all_blank, {"/srv/fettle", "not a directory"});
  StorageMachine link;
  link.tree.remove("/srv/fettle").directory("/elsewhere").link("/srv/fettle", "/elsewhere");
  check_refused(link, Verdict::all_blank, {"/srv/fettle", "not a directory"});
  StorageMachine full;
  full.tree.file("/srv/fettle/precious", "data");
  check_refused(full, Verdict::all_blank, {"not empty", "precious"});
  StorageMachine mounted;
  add_mount(mounted.tree, "8:17", "/dev/sdb1", "/srv/fettle");
  check_refused(mounted, Verdict::all_blank, {"/dev/sdb1", "is mounted on '/srv/fettle'"});
  StorageMachine hidden;
  hidden.tree.file("/etc/fstab", "/dev/sdb1 /srv ext4 defaults 0 2\n");
  check_refused(hidden, Verdict::all_blank,
                {"'/srv' is a mount of '/etc/fstab' (line 1) and is not there now"});
  add_mount(hidden.tree, "8:17", "/dev/sdb1", "/srv");
  CHECK(is_good(plan_of(hidden)));
  StorageMachine absent;
  absent.tree.remove("/srv/fettle");
  CHECK(is_good(plan_of(absent)));
}

TEST_CASE("storage: a missing program is named with its package before anything is done (F40)") {
  StorageMachine machine;
  machine.tree.remove("/usr/sbin/mkfs.xfs");
  check_refused(machine, Verdict::all_blank, {"mkfs.xfs", "xfsprogs"});
  StorageMachine single(1);
  single.tree.remove("/usr/sbin/mdadm");
  CHECK(is_good(plan_of(single)));
}

TEST_CASE("storage: a machine without identity creates nothing") {
  StorageMachine machine;
  machine.tree.file("/etc/machine-id", "uninitialized\n");
  check_refused(machine, Verdict::all_blank, {"machine"});
}

TEST_CASE("storage: what could not be looked at is unknown, not an empty machine") {
  StorageMachine machine;
  machine.tree.remove("/sys/block");
  check_refused(machine, Verdict::unknown, {"/sys/block"});
}
