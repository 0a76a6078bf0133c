// What is provisioned, kept or taken over, from machines made of files. Fault ids are those of the fault
// table.
#include <doctest/doctest.h>

#include <numeric>

#include "storage/plan_support.h"

using namespace fettle;
using namespace fettle::storage;

TEST_CASE("storage: blank drives become an array, and a second look has nothing to do") {
  StorageMachine machine;
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::all_blank);
  CHECK(acts_of(planned) == std::vector<Act>{Act::write_intent, Act::create_array, Act::find_array,
                                             Act::make_filesystem, Act::check_filesystem, Act::write_done,
                                             Act::set_link});
  CHECK(planned.steps[1].destroys.size() == 8);
  CHECK(planned.steps[1].destroys.front() == "SN0001");
  CHECK(system::to_text(planned.steps[1].command) ==
        "/usr/sbin/mdadm --create /dev/md/fettle --level=0 --raid-devices=8 --chunk=512 --metadata=1.2 "
        "--homehost=any "
        "--name=fettle --uuid=aaaaaaaa:00004000:80000000:00000001 /dev/nvme0n1 /dev/nvme1n1 /dev/nvme2n1 "
        "/dev/nvme3n1 "
        "/dev/nvme4n1 /dev/nvme5n1 /dev/nvme6n1 /dev/nvme7n1");
  CHECK(system::to_text(planned.steps[3].command) ==
        "/usr/sbin/mkfs.xfs -K -L fettle -l su=32k -m uuid=bbbbbbbb-0000-4000-8000-000000000002");

  const Ending ending = apply(planned, machine.system());
  CHECK_FALSE(ending.error);
  CHECK(ending.device == "/dev/md127");
  CHECK(*machine.tree.files().read_link("/run/fettle/cache") == "/dev/md127");
  CHECK(machine.ran.size() == 3);
  const auto record = read_record(machine.tree.files());
  REQUIRE(record);
  CHECK(record->progress == Progress::done);
  CHECK(record->array_uuid == fresh.array_uuid);
  CHECK(record->filesystem_uuid == fresh.filesystem_uuid);
  CHECK(record->generation == fresh.generation);
  CHECK(record->machine_id == "0123456789abcdef0123456789abcdef");
  CHECK(record->drives.size() == 8);
  CHECK(machine.tree.files().look("/var/lib/fettle/provision/storage.json")->mode == 0600);

  const std::string before = machine.fingerprint();
  const Plan again = plan_of(machine);
  CHECK(again.verdict == Verdict::same);
  CHECK(again.steps.empty());
  CHECK(again.device == "/dev/md127");
  CHECK(is_good(again));
  CHECK(machine.ran.size() == 3);
  CHECK(machine.fingerprint() == before);
}

TEST_CASE("storage: one drive becomes a filesystem without an array") {
  StorageMachine machine(1);
  const Ending ending = provision(machine);
  CHECK_FALSE(ending.error);
  CHECK(ending.device == "/dev/nvme0n1");
  CHECK(machine.ran.size() == 1);
  CHECK(read_record(machine.tree.files())->array_uuid.empty());
  CHECK(plan_of(machine).verdict == Verdict::same);
  CHECK(plan_of(machine).steps.empty());
}

TEST_CASE("storage: after a reboot only the link is set, in whatever order the drives come (F01)") {
  StorageMachine machine;
  REQUIRE_FALSE(provision(machine).error);
  machine.power_cycle();
  test::renumber(machine.tree, machine.drives, {3, 7, 0, 5, 1, 6, 2, 4});
  std::vector<std::string> members;
  for (const DriveSpec& drive : machine.drives) members.push_back(name_of(drive));
  machine.start_array(members);
  machine.ran.clear();
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::same);
  CHECK(acts_of(planned) == std::vector<Act>{Act::set_link});
  CHECK_FALSE(apply(planned, machine.system()).error);
  CHECK(machine.ran.empty());
  CHECK(plan_of(machine).steps.empty());
}

TEST_CASE("storage: an array that udev did not assemble is assembled by its UUID") {
  StorageMachine machine;
  REQUIRE_FALSE(provision(machine).error);
  machine.power_cycle();
  machine.ran.clear();
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::same);
  CHECK(acts_of(planned) ==
        std::vector<Act>{Act::assemble_array, Act::find_array, Act::check_filesystem, Act::set_link});
  const Ending ending = apply(planned, machine.system());
  CHECK_FALSE(ending.error);
  CHECK(machine.ran.at(0).find("--assemble") != std::string::npos);
  CHECK(machine.ran.at(0).find("--uuid=aaaaaaaa:00004000:80000000:00000001") != std::string::npos);
  CHECK(plan_of(machine).steps.empty());
}

TEST_CASE("storage: with the cache mounted it is still the same") {
  StorageMachine machine;
  REQUIRE_FALSE(provision(machine).error);
  add_mount(machine.tree, "9:127", "/dev/md127", "/srv/fettle", "xfs");
  add_mount(machine.tree, "9:127", "/dev/md127", "/var/lib/docker", "xfs");
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::same);
  CHECK(planned.steps.empty());
  CHECK(planned.warnings.empty());
}

TEST_CASE("storage: a new image on the same drives takes the cache over, data kept") {
  StorageMachine machine;
  REQUIRE_FALSE(provision(machine).error);
  machine.power_cycle();
  machine.tree.remove("/var/lib/fettle").file("/etc/machine-id", "fedcba9876543210fedcba9876543210\n");
  machine.ran.clear();
  const std::string before = machine.fingerprint();
  SUBCASE("udev assembled it") {
    std::vector<std::string> members;
    for (const DriveSpec& drive : machine.drives) members.push_back(name_of(drive));
    machine.start_array(members);
  }
  SUBCASE("nobody assembled it") {}
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::os_reimaged);
  for (const Step& step : planned.steps) CHECK(step.destroys.empty());
  const Ending ending = apply(planned, machine.system());
  CHECK_FALSE(ending.error);
  CHECK(machine.fingerprint() == before);
  const auto record = read_record(machine.tree.files());
  REQUIRE(record);
  CHECK(record->array_uuid == fresh.array_uuid);
  CHECK(record->filesystem_uuid == fresh.filesystem_uuid);
  CHECK(record->machine_id == "fedcba9876543210fedcba9876543210");
  CHECK(plan_of(machine).verdict == Verdict::same);
  CHECK(plan_of(machine).steps.empty());
}

TEST_CASE("storage: one drive of fettle's is taken over as well") {
  StorageMachine machine(1);
  REQUIRE_FALSE(provision(machine).error);
  machine.tree.remove("/var/lib/fettle");
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::os_reimaged);
  CHECK_FALSE(apply(planned, machine.system()).error);
  CHECK(plan_of(machine).verdict == Verdict::same);
}

TEST_CASE("storage: an array of fettle's name with another filesystem on it is not taken over") {
  StorageMachine machine;
  machine.put_array(other_uuid, "any:fettle", "precious");
  const std::string before = machine.fingerprint();
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::os_reimaged);
  const Ending ending = apply(planned, machine.system());
  REQUIRE(ending.error);
  CHECK(ending.error->why == Why::refused);
  CHECK(ending.error->said.find("precious") != std::string::npos);
  CHECK(machine.fingerprint() == before);
  CHECK_FALSE(*machine.tree.files().exists("/var/lib/fettle/provision/storage.json"));
  CHECK_FALSE(*machine.tree.files().exists("/run/fettle/cache"));
}

TEST_CASE("storage: drives of two fettle caches, or of one and blank ones, are not mixed") {
  StorageMachine two(2);
  two.put_array_member(0, other_uuid, "any:fettle", 2);
  two.put_array_member(1, "99999999-2222-4333-8444-555555555555", "any:fettle", 2);
  check_refused(two, Verdict::foreign, {"2 different fettle caches"});
  StorageMachine half(2);
  half.put_array_member(0, other_uuid, "any:fettle", 2);
  check_refused(half, Verdict::some_replaced, {"1 of 2"});
}

TEST_CASE("storage: the record of a cloned image gives no rights") {
  StorageMachine machine;
  REQUIRE_FALSE(provision(machine).error);
  // The image went to another machine, whose drives carry the intent's UUIDs of nobody.
  Record record = *read_record(machine.tree.files());
  record.progress = Progress::intent;
  REQUIRE(write_record(machine.tree.files(), record));
  machine.power_cycle();
  machine.tree.file("/sys/class/dmi/id/product_uuid", "99999999-0000-1010-8000-b7c04f4a3232\n");
  machine.ran.clear();
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::os_reimaged);
  REQUIRE(planned.warnings.size() == 1);
  CHECK(planned.warnings[0].find("another machine") != std::string::npos);
  for (const Step& step : planned.steps) CHECK(step.destroys.empty());
}

TEST_CASE("storage: a record that cannot be understood gives no rights and is kept aside (F49)") {
  StorageMachine machine;
  machine.tree.file("/var/lib/fettle/provision/storage.json", "{\"format\": 1, \"sta");
  ::chmod((machine.tree.root() + "/var/lib/fettle/provision/storage.json").c_str(), 0600);
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::all_blank);
  REQUIRE(planned.warnings.size() == 1);
  CHECK(planned.warnings[0].find("ignoring") != std::string::npos);
  REQUIRE_FALSE(apply(planned, machine.system()).error);
  CHECK(machine.tree.read("/var/lib/fettle/provision/storage.json.previous") == "{\"format\": 1, \"sta");
}

TEST_CASE("storage: no cache wanted, a directory wanted, no drives named") {
  StorageMachine machine;
  machine.profile.cache->drives->models.clear();
  CHECK(plan_of(machine).verdict == Verdict::none);
  CHECK_FALSE(is_good(plan_of(machine)));
  machine.profile.cache->drives.reset();
  CHECK(plan_of(machine).verdict == Verdict::directory);
  CHECK(plan_of(machine).steps.empty());
  CHECK(is_good(plan_of(machine)));
  machine.profile.cache.reset();
  CHECK(plan(Sight{}, machine.profile, fresh).verdict == Verdict::none);
}

TEST_CASE("storage: a drive reached over a network is left out") {
  StorageMachine machine;
  machine.tree.file("/sys/devices/pci0000:00/0000:12:00.0/nvme/nvme2/transport", "tcp\n");
  check_refused(machine, Verdict::incomplete, {"7 of 8"});
  CHECK(drive_of(plan_of(machine), "SN0003").why.find("tcp") != std::string::npos);
}
