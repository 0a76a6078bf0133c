// The partition modes of the GPUs: what is set, what is only said, and what is refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <functional>

#include "health/shipped.h"
#include "host/apply.h"
#include "host/partition.h"
#include "host/plan.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::host;
using facts::Facts;
using fettle::test::Tree;
using profile::Profile;

namespace {

constexpr const char* users = "/sys/class/kfd/kfd/proc";
constexpr const char* first_mode = "/sys/class/drm/card1/device/current_compute_partition";

// The profile's wish for partitions alone, with the shipped table of GPUs.
Profile wanting(const std::string& compute, const std::string& memory) {
  static const Profile shipped = test::shipped_profile("mi300x-cpx");
  Profile profile = shipped;
  profile.host.reset();
  profile.gpus->compute_partition = compute;
  profile.gpus->memory_partition = memory;
  return profile;
}

Facts gather(const Tree& tree, const Profile& profile) {
  return facts::gather(tree.files(), profile);
}

Plan plan_for(const Tree& tree, const Profile& profile) {
  const auto ours = look(tree.files());
  REQUIRE(ours);
  return plan(profile, gather(tree, profile), *ours);
}

Plan revert_of(const Tree& tree) {
  return plan_revert(*look(tree.files()), facts::gather(tree.files()));
}

// Bare metal in SPX/NPS1 whose driver counts no process.
Tree& idle(Tree& tree) {
  tree.directory(users);
  return tree;
}

bool all_went_well(const std::vector<Applied>& all) {
  return std::all_of(all.begin(), all.end(), [](const Applied& one) { return one.error.said.empty(); });
}

std::string standing_of(const Tree& tree, const Profile& profile) {
  const SettingJudgement looked = look_at_partition(profile, gather(tree, profile));
  return std::string(to_text(looked.standing)) + ": " + looked.found;
}

}  // namespace

TEST_CASE("host: idle GPUs on bare metal are set to the wanted mode, again at each start, and back") {
  Tree tree("baremetal-spx");
  idle(tree);
  const Profile profile = wanting("CPX", "NPS1");
  CHECK(standing_of(tree, profile) == "wrong: SPX/NPS1 on 8 GPUs");
  const Plan first = plan_for(tree, profile);
  CHECK(first.refused.empty());
  CHECK(first.advice.empty());
  CHECK(first.values.size() == 8);
  REQUIRE(first.files.size() == 1);
  CHECK(all_went_well(apply(first, tree.files())));
  CHECK(tree.read(first_mode) == "CPX\n");
  const std::string rule = tree.read(udev_file);
  CHECK(rule.starts_with(first_line));
  CHECK(rule.find("# before: " + std::string(first_mode) + " = SPX\n") != std::string::npos);
  // The device id of this machine alone: a virtual function must never be told.
  CHECK(rule.find("ATTR{device}==\"0x74a1\", ATTR{current_compute_partition}==\"?*\"") != std::string::npos);
  CHECK(rule.find("echo CPX > /sys%p/current_compute_partition'\"\n") != std::string::npos);

  CHECK(standing_of(tree, profile) == "good: CPX/NPS1 on 8 GPUs");
  CHECK(look_at_partition(profile, gather(tree, profile)).set_by == udev_file);
  CHECK(plan_for(tree, profile).changes_nothing());
  CHECK(plan_for(tree, profile).refused.empty());

  // The driver was loaded again and the rule did not come: it is set again, and what was first is remembered.
  tree.file(first_mode, "SPX\n");
  CHECK(standing_of(tree, profile) == "pending: CPX/NPS1 on 7 GPUs, SPX/NPS1 on 1 GPU");
  const Plan again = plan_for(tree, profile);
  CHECK(again.files.empty());
  REQUIRE(again.values.size() == 1);
  CHECK(all_went_well(apply(again, tree.files())));

  CHECK(all_went_well(apply(revert_of(tree), tree.files())));
  CHECK(tree.read(first_mode) == "SPX\n");
  CHECK_FALSE(*tree.files().exists(udev_file));
  CHECK(revert_of(tree).changes_nothing());
}

TEST_CASE("host: the way back to SPX needs no rule, and takes ours away") {
  Tree tree("baremetal-spx");
  idle(tree);
  CHECK(all_went_well(apply(plan_for(tree, wanting("CPX", "NPS1")), tree.files())));
  const Profile profile = wanting("SPX", "NPS1");
  const Plan back = plan_for(tree, profile);
  REQUIRE(back.files.size() == 1);
  CHECK(back.files.front().content.empty());
  CHECK(back.values.size() == 8);
  CHECK(all_went_well(apply(back, tree.files())));
  CHECK(tree.read(first_mode) == "SPX\n");
  CHECK(plan_for(tree, profile).changes_nothing());
  CHECK(plan_for(tree, wanting("", "")).changes_nothing());
}

TEST_CASE("host: a mode that may not be set is advice, and nothing is written") {
  struct Row {
    const char* what;
    const char* node;
    const char* compute;
    const char* memory;
    std::function<void(Tree&)> change;
    const char* says;
  };
  const auto as_it_is = [](Tree&) {};
  const auto each = [](const char* file, const char* text) {
    return [=](Tree& tree) {
      for (const char* const card : {"1", "9", "17", "25", "33", "41", "49", "57"})
        tree.file(std::string("/sys/class/drm/card") + card + "/device/" + file, text);
    };
  };
  for (const Row& row : {
           Row{"a virtual function", "azure-nd-mi300x-v5-spx", "CPX", "NPS1", as_it_is,
               "left alone: the GPUs are virtual functions"},
           Row{"a whole GPU in a guest", "baremetal-spx", "CPX", "NPS1",
               [](Tree& tree) {
                 tree.file("/sys/class/dmi/id/sys_vendor", "QEMU\n");
                 tree.file("/sys/class/dmi/id/product_name", "Standard PC (Q35 + ICH9, 2009)\n");
               },
               "left alone: AMD supports the switch on bare metal only"},
           Row{"a driver that is starting", "baremetal-spx", "CPX", "NPS1",
               [](Tree& tree) { tree.file("/sys/module/amdgpu/initstate", "coming\n"); },
               "left alone: the driver is still starting"},
           Row{"a mode that is not offered", "baremetal-spx", "CPX", "NPS1",
               each("available_compute_partition", "SPX, DPX\n"), "offers SPX, DPX, not CPX"},
           Row{"offers that cannot be read", "baremetal-spx", "CPX", "NPS1",
               [](Tree& tree) { tree.remove("/sys/class/drm/card9/device/available_compute_partition"); },
               "left alone: cannot read '/sys/class/drm/card9/device/available_compute_partition'"},
           Row{"a mode that cannot be read", "baremetal-spx", "CPX", "NPS1",
               [](Tree& tree) { tree.remove("/sys/class/drm/card9/device/current_compute_partition"); },
               "left alone: cannot read '/sys/class/drm/card9/device/current_compute_partition'"},
           Row{"SPX in quarters", "baremetal-spx", "SPX", "", each("current_memory_partition", "NPS4\n"),
               "SPX goes with NPS1, and the memory of 0000:05:00.0 is in NPS4"},
           Row{"CPX in halves", "baremetal-spx", "CPX", "", each("current_memory_partition", "NPS2\n"),
               "CPX goes with NPS1 or NPS4, and the memory of 0000:05:00.0 is in NPS2"},
           Row{"DPX in quarters", "baremetal-spx", "DPX", "", each("current_memory_partition", "NPS4\n"),
               "DPX goes with NPS1 or NPS2"},
           Row{"QPX in halves", "baremetal-spx", "QPX", "", each("current_memory_partition", "NPS2\n"),
               "QPX goes with NPS1 or NPS4"},
           Row{"memory that cannot be read", "baremetal-spx", "CPX", "",
               [](Tree& tree) { tree.remove("/sys/class/drm/card1/device/current_memory_partition"); },
               "left alone: cannot read '/sys/class/drm/card1/device/current_memory_partition'"},
       }) {
    CAPTURE(row.what);
    Tree tree(row.node);
    idle(tree);
    row.change(tree);
    const Plan plan = plan_for(tree, wanting(row.compute, row.memory));
    CHECK(plan.changes_nothing());
    CHECK(plan.refused.empty());
    REQUIRE(plan.advice.size() == 1);
    CHECK(plan.advice.front().setting == partition_name);
    CHECK_MESSAGE(plan.advice.front().says.find(row.says) != std::string::npos, plan.advice.front().says);
  }
}

TEST_CASE("host: every pair of modes that the kernel takes is set") {
  struct Row {
    const char* compute;
    const char* memory;
    const char* from;
  };
  for (const Row& row :
       {Row{"SPX", "NPS1", "CPX\n"}, Row{"DPX", "NPS1", "SPX\n"}, Row{"DPX", "NPS2", "SPX\n"},
        Row{"QPX", "NPS1", "SPX\n"}, Row{"QPX", "NPS4", "CPX\n"}, Row{"CPX", "NPS1", "SPX\n"},
        Row{"CPX", "NPS4", "SPX\n"}}) {
    CAPTURE(row.compute);
    Tree tree("baremetal-spx");
    idle(tree);
    for (const char* const card : {"1", "9", "17", "25", "33", "41", "49", "57"}) {
      const std::string device = std::string("/sys/class/drm/card") + card + "/device/";
      tree.file(device + "current_memory_partition", std::string(row.memory) + "\n");
      tree.file(device + "current_compute_partition", row.from);
    }
    const Profile profile = wanting(row.compute, row.memory);
    const Plan plan = plan_for(tree, profile);
    CHECK(plan.values.size() == 8);
    CHECK(plan.advice.empty());
    CHECK(all_went_well(apply(plan, tree.files())));
    CHECK(plan_for(tree, profile).changes_nothing());
  }
}

TEST_CASE("host: the memory mode is never set, and the order is said") {
  Tree tree("baremetal-spx");
  idle(tree);
  // To CPX/NPS4: CPX goes with NPS1 too, so it is set, and the memory is left to a person.
  Plan plan = plan_for(tree, wanting("CPX", "NPS4"));
  CHECK(plan.values.size() == 8);
  REQUIRE(plan.advice.size() == 1);
  CHECK(plan.advice.front().says.starts_with("the memory is in NPS1, the profile wants NPS4. "));
  CHECK(plan.advice.front().says.find("`amd-smi set --gpu all --memory-partition NPS4`") !=
        std::string::npos);
  // From CPX/NPS4: SPX does not go with NPS4, so the memory comes first.
  for (const char* const card : {"1", "9", "17", "25", "33", "41", "49", "57"}) {
    const std::string device = std::string("/sys/class/drm/card") + card + "/device/";
    tree.file(device + "current_memory_partition", "NPS4\n")
        .file(device + "current_compute_partition", "CPX\n");
  }
  plan = plan_for(tree, wanting("SPX", "NPS1"));
  CHECK(plan.changes_nothing());
  REQUIRE(plan.advice.size() == 2);
  CHECK(plan.advice[0].says.find("--memory-partition NPS1`") != std::string::npos);
  CHECK(plan.advice[1].says.find(
            "SPX goes with NPS1, and the memory of 0000:05:00.0 is in NPS4. Set the memory "
            "mode first") != std::string::npos);
}

TEST_CASE("host: GPUs in use are not touched, and who uses them is named") {
  Tree tree("baremetal-spx");
  tree.directory(std::string(users) + "/4711").directory(std::string(users) + "/99");
  tree.file("/proc/4711/comm", "python3\n");
  const Profile profile = wanting("CPX", "NPS1");
  const Plan plan = plan_for(tree, profile);
  CHECK(plan.values.empty());
  REQUIRE(plan.refused.size() == 1);
  CHECK(plan.refused.front().said ==
        "cannot set the compute partition: 2 processes use the GPUs: 4711 (python3), 99");
  CHECK_FALSE(plan.refused.front().hint.empty());
  // The rule counts from the next start of the driver on, and harms nobody who computes now.
  CHECK(plan.files.size() == 1);
  const auto done = apply(plan, tree.files());
  CHECK(done.front().outcome == Outcome::refused);
  CHECK(tree.read(first_mode) == "SPX\n");
  CHECK(standing_of(tree, profile) == "pending: SPX/NPS1 on 8 GPUs");

  // As it was never set, going back is the rule alone.
  const Plan back = revert_of(tree);
  CHECK(back.refused.empty());
  CHECK(back.values.empty());
  CHECK(back.files.size() == 1);
  // Had it been, the GPUs in use would keep it, and the file that remembers what was there.
  tree.file(first_mode, "CPX\n");
  CHECK(revert_of(tree).refused.size() == 1);
  CHECK(revert_of(tree).changes_nothing());
}

TEST_CASE("host: when nobody knows whether a GPU is in use, no mode is set") {
  const Tree tree("baremetal-spx");  // a capture without the list of processes
  const Plan plan = plan_for(tree, wanting("CPX", "NPS1"));
  CHECK(plan.values.empty());
  REQUIRE(plan.refused.size() == 1);
  CHECK(plan.refused.front().said.starts_with(
      "cannot set the compute partition: nobody knows whether a process uses a GPU: "));
}

TEST_CASE("host: a rule of somebody else that sets the mode is left to them") {
  Tree tree("baremetal-spx");
  idle(tree);
  tree.file("/etc/udev/rules.d/70-site.rules",
            "# ours\nACTION==\"bind\", DRIVER==\"amdgpu\", ATTR{current_compute_partition}=\"CPX\"\n");
  const Profile profile = wanting("CPX", "NPS1");
  const Plan plan = plan_for(tree, profile);
  CHECK(plan.files.empty());
  CHECK(plan.values.size() == 8);
  CHECK(look_at_partition(profile, gather(tree, profile)).set_by == "/etc/udev/rules.d/70-site.rules");
  // One that sets another mode is before ours, which then has the last word.
  CHECK(plan_for(tree, wanting("QPX", "NPS1")).files.size() == 1);
  CHECK(plan_for(tree, wanting("QPX", "NPS1")).advice.empty());
  // With SPX none of ours is needed, so theirs would have it; and so has one that comes after ours.
  const auto told = plan_for(tree, wanting("SPX", "NPS1")).advice;
  REQUIRE(told.size() == 1);
  CHECK(
      told.front().says.starts_with("/etc/udev/rules.d/70-site.rules sets CPX at each start of the driver"));
  tree.file("/etc/udev/rules.d/95-late.rules", "ATTR{current_compute_partition}=\"DPX\"\n");
  CHECK(plan_for(tree, wanting("QPX", "NPS1")).advice.size() == 1);
}

TEST_CASE("host: how the GPUs stand is told, or why it is not known") {
  Tree tree("baremetal-spx");
  CHECK(standing_of(tree, wanting("SPX", "NPS1")) == "good: SPX/NPS1 on 8 GPUs");
  CHECK(standing_of(tree, wanting("", "NPS4")) == "wrong: SPX/NPS1 on 8 GPUs");
  CHECK(standing_of(Tree("azure-nd-mi300x-v5-spx"), wanting("SPX", "NPS1")) == "good: SPX/NPS1 on 8 GPUs");
  tree.overlay("driver-not-loaded");
  const Profile profile = wanting("SPX", "NPS1");
  CHECK(look_at_partition(profile, gather(tree, profile)).standing == Standing::unknown);
  CHECK(plan_for(tree, profile).changes_nothing());
  CHECK(plan_for(tree, profile).advice.size() == 1);
}

TEST_CASE("host: what the driver answers becomes advice, and a mode that did not come is a failure") {
  const auto answer = [](int err) {
    return with_partition_advice(cannot("write 'CPX' to", first_mode, err));
  };
  CHECK(answer(EBUSY).hint.starts_with("a process uses a GPU, or another switch is under way"));
  CHECK(answer(EPERM).hint.find("while it resets a GPU") != std::string::npos);
  CHECK(answer(EACCES).hint.starts_with("only root may"));
  CHECK(answer(EINVAL).hint.starts_with("the driver does not have this mode with the memory mode there is"));
  CHECK(answer(EIO).hint.starts_with("`dmesg | grep amdgpu` says more"));

  CHECK(*taken(first_mode, "CPX", std::string("CPX\n")) == Outcome::changed);
  const auto still = taken(first_mode, "CPX", std::string("SPX\n"));
  REQUIRE_FALSE(still);
  CHECK(still.error().said ==
        "cannot set the compute partition: '" + std::string(first_mode) + "' took CPX and says SPX still");
  const auto unread = taken(first_mode, "CPX", fail(cannot("read", first_mode, EPERM)));
  REQUIRE_FALSE(unread);
  CHECK(unread.error().said.starts_with("cannot tell whether the mode was taken: "));
}
