#include <doctest/doctest.h>

#include <algorithm>

#include "host/apply.h"
#include "host/plan.h"
#include "host/standing.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::host;
using facts::Facts;
using fettle::test::Tree;
using profile::Profile;
using profile::Setting;
using profile::SettingKind;

namespace {

Setting setting(const std::string& name, SettingKind kind, const std::string& key, const std::string& value) {
  Setting one;
  one.name = name;
  one.kind = kind;
  one.key = key;
  one.value = value;
  one.why = "because";
  return one;
}

const Setting numa = setting("numa", SettingKind::sysctl, "kernel.numa_balancing", "0");
const Setting governor = setting("governor", SettingKind::sysfs,
                                 "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", "performance");
const Setting recovery = setting("recovery", SettingKind::module, "amdgpu.gpu_recovery", "-1");
const Setting memlock = setting("memlock", SettingKind::limit, "memlock", "unlimited");
const Setting iommu = setting("iommu", SettingKind::boot, "iommu", "pt");

Profile with(std::vector<Setting> settings) {
  Profile profile;
  profile.host.emplace().settings = std::move(settings);
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

Finding finding_of(const Tree& tree, const Setting& one) {
  return findings(gather(tree, with({one})), with({one}), {}).front().finding;
}

bool all_went_well(const std::vector<Applied>& all) {
  return std::all_of(all.begin(), all.end(), [](const Applied& one) { return one.error.said.empty(); });
}

}  // namespace

TEST_CASE("host: a setting is good, wrong, absent, elsewhere or unknown, and each says so") {
  Tree tree("baremetal-spx");
  CHECK(finding_of(tree, numa).status == Status::pass);
  CHECK(finding_of(tree, numa).says == "kernel.numa_balancing is 0");
  tree.overlay("bad-settings");
  tree.file("/etc/sysctl.d/50-x.conf", "kernel.numa_balancing = 1\n");
  Finding finding = finding_of(tree, numa);
  CHECK(finding.status == Status::warn);
  CHECK(finding.says == "kernel.numa_balancing is 1, the profile wants 0");
  CHECK(finding.hint.starts_with("set by /etc/sysctl.d/50-x.conf. "));
  finding = finding_of(tree, iommu);
  CHECK(finding.says == "iommu is not set, the profile wants pt");
  CHECK(finding.hint.find("/etc/default/grub.d") != std::string::npos);
  Setting strict = iommu;
  strict.severity = profile::Severity::error;
  CHECK(finding_of(tree, strict).status == Status::fail);

  tree.remove("/proc/sys/kernel/numa_balancing");
  CHECK(finding_of(tree, numa).status == Status::not_applicable);  // absent is not wrong
  tree.directory("/proc/sys/kernel/numa_balancing");
  CHECK(finding_of(tree, numa).status == Status::unknown);  // could not look is not absent
  tree.remove("/proc/cmdline");
  CHECK(finding_of(tree, iommu).status == Status::unknown);  // every kernel has a command line
}

TEST_CASE("host: what means nothing in a virtual machine is not judged there") {
  Setting metal_only = iommu;
  metal_only.where = profile::Where::bare_metal;
  const Tree azure("azure-nd-mi300x-v5-spx");
  CHECK(finding_of(azure, iommu).status == Status::warn);
  CHECK(finding_of(azure, metal_only).status == Status::not_applicable);
  Facts facts = gather(azure, with({metal_only}));
  facts.hardware = fail(Why::denied, "cannot read '/sys/class/dmi/id/sys_vendor': Permission denied");
  CHECK(judge(metal_only, facts).status == Status::unknown);
  Setting guest_only = iommu;
  guest_only.where = profile::Where::virtual_machine;
  CHECK(finding_of(Tree("baremetal-spx"), guest_only).status == Status::not_applicable);
}

TEST_CASE("host: a word in a list of the kernel command line counts, and so does an accepted value") {
  Tree tree;
  const Setting realloc = setting("pci", SettingKind::boot, "pci", "realloc=off");
  tree.file("/proc/cmdline", "ro pci=noaer,realloc=off\n");
  CHECK(finding_of(tree, realloc).status == Status::pass);
  tree.file("/proc/cmdline", "ro pci=noaer,realloc=offline\n");
  CHECK(finding_of(tree, realloc).status == Status::warn);
  Setting either =
      setting("thp", SettingKind::sysfs, "/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
  either.accept = {"always"};
  tree.file("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
  CHECK(finding_of(tree, either).status == Status::pass);
  tree.file("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
  CHECK(finding_of(tree, either).says == "enabled is never, the profile wants madvise");
}

TEST_CASE("host: what a file says and the running system does not is pending") {
  Tree tree("baremetal-spx");
  tree.file("/sys/module/amdgpu/parameters/gpu_recovery", "0\n");
  CHECK(look_at(recovery, gather(tree, with({recovery}))).standing == Standing::wrong);
  tree.file("/etc/modprobe.d/a.conf", "options amdgpu gpu_recovery=-1\n");
  CHECK(look_at(recovery, gather(tree, with({recovery}))).standing == Standing::pending);
  CHECK(finding_of(tree, recovery).hint.starts_with("/etc/modprobe.d/a.conf says so already: "));
  tree.file("/proc/cmdline", "ro\n")
      .file("/etc/default/grub.d/x.cfg", "GRUB_CMDLINE_LINUX=\"$X iommu=pt\"\n");
  CHECK(look_at(iommu, gather(tree, with({iommu}))).standing == Standing::pending);
}

TEST_CASE("host: processors that differ are counted") {
  Tree tree;
  tree.file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  tree.file("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
  tree.file("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "performance\n");
  CHECK(finding_of(tree, governor).says ==
        "scaling_governor is powersave in 1 of 3 places, the profile wants performance");
}

TEST_CASE("host: apply, and a second run changes nothing; revert puts back what was there") {
  Tree tree("baremetal-spx");
  tree.overlay("bad-settings");
  tree.remove("/etc/security/limits.d").remove("/etc/systemd");
  tree.file("/sys/module/amdgpu/parameters/gpu_recovery", "0\n");
  const Profile profile = with({numa, governor, recovery, memlock, iommu});
  const Plan first = plan_for(tree, profile);
  CHECK(first.files.size() == 6);
  CHECK(first.values.size() == 2);
  REQUIRE(first.advice.size() == 3);  // a module and limits count later; the command line is never written
  CHECK(first.advice.back().setting == "iommu");
  CHECK(all_went_well(apply(first, tree.files())));
  CHECK(tree.read("/proc/sys/kernel/numa_balancing") == "0\n");
  CHECK(tree.read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") == "performance\n");
  CHECK(tree.read("/etc/sysctl.d/90-fettle.conf").find("# before: /proc/sys/kernel/numa_balancing = 1\n") !=
        std::string::npos);
  CHECK(tree.read("/etc/modprobe.d/90-fettle.conf").find("\noptions amdgpu gpu_recovery=-1\n") !=
        std::string::npos);
  CHECK(finding_of(tree, numa).status == Status::pass);
  CHECK(finding_of(tree, memlock).status == Status::pass);

  CHECK(plan_for(tree, profile).changes_nothing());
  // Set by hand meanwhile: set again, and what stood there first is still remembered.
  tree.file("/proc/sys/kernel/numa_balancing", "3\n");
  const Plan again = plan_for(tree, profile);
  CHECK(again.files.empty());
  REQUIRE(again.values.size() == 1);
  CHECK(all_went_well(apply(again, tree.files())));

  const Plan back = plan_revert(*look(tree.files()), facts::gather(tree.files()));
  CHECK(all_went_well(apply(back, tree.files())));
  CHECK(tree.read("/proc/sys/kernel/numa_balancing") == "1\n");
  CHECK(tree.read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") == "powersave\n");
  for (const std::string_view path : our_files) CHECK_FALSE(*tree.files().exists(path));
  CHECK(plan_revert(*look(tree.files()), facts::gather(tree.files())).changes_nothing());
}

TEST_CASE("host: what is right without us is left to whoever set it, what is absent is left out") {
  Tree tree("baremetal-spx");
  CHECK(plan_for(tree, with({numa, governor, recovery, memlock})).changes_nothing());
  const Setting absent = setting("absent", SettingKind::sysctl, "kernel.nothing_here", "1");
  CHECK(plan_for(tree, with({absent})).changes_nothing());
  CHECK(plan_for(tree, with({absent})).advice.empty());
  tree.directory("/proc/sys/kernel/nothing_here");
  REQUIRE(plan_for(tree, with({absent})).advice.size() == 1);  // could not look: said, not written
  CHECK(plan_for(tree, with({absent})).advice.front().says.starts_with("left alone: "));
}

TEST_CASE("host: a setting that the profile does not name any more leaves our file") {
  Tree tree("baremetal-spx");
  tree.overlay("bad-settings");
  CHECK(all_went_well(apply(plan_for(tree, with({numa})), tree.files())));
  const Plan without = plan_for(tree, with({}));
  REQUIRE(without.files.size() == 1);
  CHECK(without.files.front().content.empty());
}

TEST_CASE("host: a file of somebody else in our place is neither written nor removed") {
  Tree tree("baremetal-spx");
  tree.overlay("bad-settings");
  tree.file("/etc/sysctl.d/90-fettle.conf", "kernel.numa_balancing = 1\n");
  const auto done = apply(plan_for(tree, with({numa})), tree.files());
  CHECK(done.front().outcome == Outcome::refused);
  CHECK(tree.read("/etc/sysctl.d/90-fettle.conf") == "kernel.numa_balancing = 1\n");
  CHECK(plan_revert(*look(tree.files()), facts::gather(tree.files())).changes_nothing());
}

TEST_CASE("host: revert sets values of the kernel only, whatever somebody wrote into our file") {
  Tree tree;
  tree.file("/etc/shadow", "root\n").file("/proc/sys/kernel/x", "1\n");
  tree.file("/etc/sysctl.d/90-fettle.conf", std::string(first_line) +
                                                "\n# before: /etc/shadow = gone\n"
                                                "# before: /proc/sys/../../etc/shadow = gone\n"
                                                "# before: nonsense\n# before: /proc/sys/kernel/x = 5\n");
  const auto done = apply(plan_revert(*look(tree.files()), facts::gather(tree.files())), tree.files());
  CHECK(std::count_if(done.begin(), done.end(), [](const Applied& one) {
          return one.outcome == Outcome::failed && one.error.why == Why::refused;
        }) == 2);
  CHECK(tree.read("/etc/shadow") == "root\n");
  CHECK(tree.read("/proc/sys/kernel/x") == "5\n");
}

TEST_CASE("host: every setting of a profile explains itself") {
  Profile profile = with({numa, governor, recovery, memlock, iommu});
  for (const Setting& one : profile.host->settings) {
    const auto told = explain(id_of(one), profile);
    REQUIRE(told);
    CHECK_FALSE(told->reads.empty());
    CHECK(told->why == wanted_text(one) + " is wanted: because");
    CHECK_FALSE(told->advice.empty());
  }
  CHECK_FALSE(explain("host.nothing", profile));
}
