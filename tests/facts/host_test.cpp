// Facts of the host, its settings and the next boot; each reader also with files that are truncated, binary,
// huge or not to be read.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "facts/readers.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::facts;
using fettle::test::Tree;
using profile::Setting;
using profile::SettingKind;

namespace {

Setting setting(SettingKind kind, const std::string& key, const std::string& value = "0") {
  Setting one;
  one.name = "it";
  one.kind = kind;
  one.key = key;
  one.value = value;
  return one;
}

FoundSetting read(const Tree& tree, const Setting& wanted) {
  return read_settings(tree.files(), {wanted}).front();
}

}  // namespace

TEST_CASE("facts: processors, memory and swap of the captured nodes") {
  Tree metal("baremetal-spx");
  CHECK(read_cpus(metal.files())->sockets == 2);
  CHECK(read_cpus(metal.files())->cores == 96);
  CHECK(read_cpus(metal.files())->threads == 192);
  CHECK(read_swaps(metal.files())->empty());
  CHECK_FALSE(read_hardware(metal.files())->is_virtual);
  CHECK(*read_time_sync(metal.files(), read_uptime(metal.files())) == system::TimeSync::synchronised);
  CHECK(read_infiniband(metal.files())->empty());
  Tree azure("azure-nd-mi300x-v5-spx");
  CHECK(read_cpus(azure.files())->threads == 96);
  CHECK(read_cpus(azure.files())->cores == 96);
  CHECK(read_hardware(azure.files())->is_virtual);
  REQUIRE(read_infiniband(azure.files())->size() == 8);
  CHECK(read_infiniband(azure.files())->front().rate_gbit == 400);
  CHECK(read_infiniband(azure.files())->front().is_active);
  CHECK(read_gpu_access(azure.files())->members.at("render") == std::vector<std::string>{"ubuntu"});
}

TEST_CASE("facts: guests are told from iron by the firmware's words") {
  struct Row {
    const char* vendor;
    const char* product;
    bool is_virtual;
  };
  for (const Row& row : {Row{"Microsoft Corporation", "Virtual Machine", true},
                         Row{"Microsoft Corporation", "C2790", false}, Row{"Supermicro", "AS -8125GS", false},
                         Row{"QEMU", "Standard PC", true}, Row{"Amazon EC2", "p5.48xlarge", true},
                         Row{"Amazon EC2", "c7i.metal-48xl", false}, Row{"", "", false}}) {
    CAPTURE(row.product);
    Tree tree;
    tree.file("/sys/class/dmi/id/sys_vendor", row.vendor);
    tree.file("/sys/class/dmi/id/product_name", row.product);
    CHECK(read_hardware(tree.files())->is_virtual == row.is_virtual);
  }
  CHECK_FALSE(read_hardware(Tree().files())->is_virtual);  // no DMI
}

TEST_CASE("facts: swap is read with its escapes; a line without its fields is malformed") {
  Tree tree;
  CHECK(read_swaps(tree.files())->empty());  // a kernel without swap
  tree.file("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/a\\040b file\t\t8388604\t\t0\t\t-2\n");
  REQUIRE(read_swaps(tree.files())->size() == 1);
  CHECK(read_swaps(tree.files())->front().what == "/a b");
  CHECK(read_swaps(tree.files())->front().size.count == 8388604ULL * 1024);
  tree.file("/proc/swaps", "Filename\n/dev/sda2\n");
  CHECK(read_swaps(tree.files()).error().why == Why::malformed);
}

TEST_CASE("facts: lists of processors that no kernel writes are malformed") {
  for (const char* const text : {"", "x", "3-1", "0-99999", "1,,2", "0-18446744073709551616", "\x01\xff"}) {
    CAPTURE(text);
    Tree tree;
    tree.file("/sys/devices/system/cpu/online", text);
    REQUIRE_FALSE(read_cpus(tree.files()));
    CHECK(read_cpus(tree.files()).error().why == Why::malformed);
  }
  CHECK(read_cpus(Tree().files()).error().why == Why::missing);
}

TEST_CASE("facts: a setting that this machine does not have is missing, not wrong") {
  const Tree tree;
  CHECK(read(tree, setting(SettingKind::sysctl, "kernel.numa_balancing")).now.error().why == Why::missing);
  CHECK(read(tree, setting(SettingKind::sysfs, "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"))
            .now.error()
            .why == Why::missing);
  CHECK(read(tree, setting(SettingKind::module, "amdgpu.ras_enable")).now.error().why == Why::missing);
  CHECK(read(tree, setting(SettingKind::boot, "iommu")).now.error().why == Why::missing);
}

TEST_CASE("facts: each kind of setting is read where the kernel keeps it") {
  Tree tree("baremetal-spx");
  CHECK(read(tree, setting(SettingKind::sysctl, "kernel.numa_balancing")).now->front().value == "0");
  CHECK(read(tree, setting(SettingKind::module, "amdgpu.gpu_recovery")).now->front().where ==
        "/sys/module/amdgpu/parameters/gpu_recovery");
  CHECK(read(tree, setting(SettingKind::boot, "iommu")).now->front().value == "pt");
  CHECK(read(tree, setting(SettingKind::boot, "quiet")).now->front().value.empty());
  Setting idle = setting(SettingKind::sysfs, "/sys/devices/system/cpu/cpu*/cpuidle/state*/disable");
  CHECK(read(tree, idle).now->size() == 3);
  idle.beside = "name=C2";
  REQUIRE(read(tree, idle).now->size() == 1);
  CHECK(read(tree, idle).now->front().where == "/sys/devices/system/cpu/cpu0/cpuidle/state2/disable");
  idle.beside = "name=C9";
  CHECK(read(tree, idle).now.error().why == Why::missing);
  CHECK(read(tree, setting(SettingKind::sysfs, "/sys/kernel/mm/transparent_hugepage/enabled"))
            .now->front()
            .value == "always");
}

TEST_CASE("facts: who sets a setting is told in the order in which the files count") {
  Tree tree;
  tree.file("/proc/sys/kernel/numa_balancing", "0\n");
  tree.file("/usr/lib/sysctl.d/10-a.conf", "# kernel.numa_balancing = 7\nkernel.numa_balancing=1\n");
  tree.file("/usr/lib/sysctl.d/20-b.conf", "kernel.numa_balancing = 2\n");
  tree.file("/etc/sysctl.d/20-b.conf",
            "-kernel/numa_balancing = 3\nkernel.other = 1\n");      // hides the one above
  tree.file("/etc/sysctl.d/notes", "kernel.numa_balancing = 4\n");  // no .conf
  const auto found = read(tree, setting(SettingKind::sysctl, "kernel.numa_balancing"));
  REQUIRE(found.set_by);
  REQUIRE(found.set_by->size() == 2);
  CHECK(found.set_by->front().value == "1");
  CHECK(found.set_by->back().file == "/etc/sysctl.d/20-b.conf");
  CHECK(found.set_by->back().value == "3");

  tree.file("/etc/modprobe.d/gpu.conf",
            "options amdgpu ras_enable=0 gpu_recovery=0\noptions other gpu_recovery=5\n");
  tree.file("/proc/cmdline", "quiet amdgpu.gpu_recovery=1 x=\"a iommu=no\" iommu=soft iommu=pt\n");
  const auto module = read(tree, setting(SettingKind::module, "amdgpu.gpu_recovery"));
  REQUIRE(module.set_by->size() == 2);
  CHECK(module.set_by->front().value == "0");
  CHECK(module.set_by->back().file == "/proc/cmdline");
  CHECK(read(tree, setting(SettingKind::boot, "iommu")).now->front().value == "pt");  // the last one counts

  tree.file("/etc/default/grub",
            "GRUB_CMDLINE_LINUX=\"iommu=pt quiet\"\n#GRUB_CMDLINE_LINUX=\"iommu=off\"\n");
  CHECK(read(tree, setting(SettingKind::boot, "iommu")).set_by->back().value == "pt");

  tree.file("/etc/tmpfiles.d/a.conf", "w /sys/kernel/x - - - - 5\nd /sys/kernel/x - - - - 6\n");
  CHECK(read_setting_sources(tree.files(), setting(SettingKind::sysfs, "/sys/kernel/x"))->size() == 1);
}

TEST_CASE("facts: limits are those of logins and of units, for all users") {
  Tree tree;
  const Setting memlock = setting(SettingKind::limit, "memlock", "unlimited");
  CHECK(read(tree, memlock).now->at(0).value.empty());
  tree.file("/etc/security/limits.conf", "@hpc soft memlock unlimited\n* hard memlock 5\n* - memlock 64\n");
  tree.file("/etc/security/limits.d/9.conf", "*\tsoft\tmemlock\tunlimited\n");
  tree.file("/etc/systemd/system.conf.d/a.conf", "[Manager]\nDefaultLimitMEMLOCK = infinity\n");
  const auto found = read(tree, memlock);
  CHECK(found.now->at(0).where == "logins");
  CHECK(found.now->at(0).value == "unlimited");
  CHECK(found.now->at(1).value == "unlimited");
  CHECK(found.set_by->size() == 3);
}

TEST_CASE("facts: files of settings that are binary, huge or not files tell nothing and break nothing") {
  Tree tree;
  tree.file("/proc/sys/kernel/numa_balancing", "0\n");
  tree.file("/etc/sysctl.d/1.conf", std::string("\0\xff\x01=\n=\n==\n", 10));
  tree.file("/etc/sysctl.d/2.conf", std::string(2U << 20U, 'x'));
  tree.directory("/etc/sysctl.d/3.conf");
  tree.link("/etc/sysctl.d/4.conf", "/dev/null");
  tree.link("/etc/sysctl.d/5.conf", "/nowhere");
  tree.link("/etc/sysctl.d/6.conf", "/etc/sysctl.d/6.conf");
  tree.file("/etc/sysctl.d/7.conf", "kernel.numa_balancing = 0");
  const auto found = read(tree, setting(SettingKind::sysctl, "kernel.numa_balancing"));
  CHECK(found.now->front().value == "0");
  if (found.set_by) CHECK(found.set_by->back().file == "/etc/sysctl.d/7.conf");
}

TEST_CASE("facts: the kernel of the next boot is the newest by number, not by letter") {
  Tree tree("baremetal-spx");
  CHECK(read_next_boot(tree.files())->kernel == "6.14.0-33-generic");
  tree.file("/boot/vmlinuz-6.14.0-9-generic").file("/boot/vmlinuz-rescue").file("/boot/vmlinuz-");
  tree.file("/boot/vmlinuz-99999999999999999999").file("/boot/initrd.img-7.0.0-1");
  CHECK(read_next_boot(tree.files())->kernel == "6.14.0-33-generic");
  const NextBoot next = *read_next_boot(tree.files());
  CHECK(next.dkms_module == "/lib/modules/6.14.0-33-generic/updates/dkms/amdgpu.ko.zst");
  CHECK(next.has_headers);
  CHECK(next.dkms_version == "6.14.14-2226257.24.04");
  CHECK(next.chosen_by_hand.empty());
  CHECK(*next.secure_boot == SecureBoot::off);
  CHECK_FALSE(next.signature);  // compressed
  tree.file("/boot/vmlinuz-6.17.0-14-generic");
  CHECK(read_next_boot(tree.files())->dkms_module.empty());
  CHECK_FALSE(read_next_boot(tree.files())->has_headers);
  tree.file("/etc/default/grub", "GRUB_DEFAULT=saved\n");
  CHECK(read_next_boot(tree.files())->chosen_by_hand == "saved");
  tree.remove("/boot");
  CHECK_FALSE(read_next_boot(tree.files()));
}

TEST_CASE("facts: where modules are hidden from us, what DKMS notes of itself tells") {
  Tree tree("baremetal-spx");
  const std::string hidden = tree.root() + "/lib/modules/6.14.0-33-generic";
  tree.file("/var/lib/dkms/amdgpu/kernel-6.14.0-33-generic-x86_64");
  ::chmod(tree.root().c_str(), 0755);
  REQUIRE(::chmod(hidden.c_str(), 0) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {  // as the daemon: nobody special, and root may look everywhere
    constexpr uid_t nobody = 65534;
    if (::geteuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) ::_exit(1);
    const auto next = read_next_boot(tree.files());
    if (!next) ::_exit(2);
    if (next->dkms_module != "/var/lib/dkms/amdgpu/kernel-6.14.0-33-generic-x86_64") ::_exit(3);
    ::_exit(next->has_headers ? 4 : 0);  // those are in /usr/src, where there are none
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  ::chmod(hidden.c_str(), 0755);
}

TEST_CASE("facts: Secure Boot and the signature of a module are read from their last bytes") {
  Tree tree("baremetal-spx");
  const std::string variable = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
  tree.directory("/sys/firmware/efi/efivars");
  CHECK_FALSE(read_next_boot(tree.files())->secure_boot);  // not mounted
  tree.file(variable, std::string("\6\0\0\0\1", 5));
  CHECK(*read_next_boot(tree.files())->secure_boot == SecureBoot::on);
  tree.file(variable, std::string("\6\0\0\0\0", 5));
  CHECK(*read_next_boot(tree.files())->secure_boot == SecureBoot::off);
  tree.file(variable, "\6");
  CHECK(read_next_boot(tree.files())->secure_boot.error().why == Why::malformed);
  const std::string module = "/lib/modules/6.14.0-33-generic/updates/dkms/amdgpu.ko";
  tree.file(module, "elf~Module signature appended~\n");
  CHECK(*read_next_boot(tree.files())->signature == Signature::present);
  tree.file(module, "elf");
  CHECK(*read_next_boot(tree.files())->signature == Signature::absent);
}
