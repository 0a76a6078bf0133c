#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "base/json.h"
#include "cli/commands.h"
#include "support/fakes.h"
#include "support/golden.h"
#include "support/source.h"
#include "support/tree.h"

using namespace fettle;
using fettle::test::Tree;

namespace {

struct Answer {
  int code = 0;
  std::string out;
  std::string err;
};

Answer run(const Tree& tree, cli::Run command, const std::vector<std::string>& arguments,
           cli::Format format = cli::Format::text) {
  test::FakeRunner runner;
  test::FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  cli::Context context{{tree.files(), runner, clock}, format, out, err};
  const int code = command(context, arguments);
  return {code, out.str(), err.str()};
}

Answer host(const Tree& tree, const std::vector<std::string>& arguments,
            cli::Format format = cli::Format::text) {
  return run(tree, &cli::run_host, arguments, format);
}

void prepare(Tree& tree, const std::string& profile) {
  tree.directory("/usr/share/fettle");
  std::filesystem::copy(test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
                        std::filesystem::copy_options::recursive);
  tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: " + profile + "\n");
  tree.file("/proc/uptime", "86400.00 1.00\n");
}

}  // namespace

TEST_CASE("cli host: the settings of a node, knob by knob, and what apply would write") {
  Tree tree("baremetal-spx");
  tree.overlay("bad-settings");
  prepare(tree, "mi300x");
  tree.file("/etc/sysctl.d/50-image.conf", "kernel.numa_balancing = 1\n");
  const Answer shown = host(tree, {"show"});
  CHECK(shown.code == 1);
  test::check_golden("cli-host-show-bad-settings.txt", shown.out);
  const Answer dry = host(tree, {"apply"});
  CHECK(dry.code == 1);
  test::check_golden("cli-host-apply-bad-settings.txt", dry.out);
  CHECK_FALSE(*tree.files().exists("/etc/sysctl.d/90-fettle.conf"));  // a dry run writes nothing

  CHECK(host(tree, {"apply", "--yes"}).code == 0);
  CHECK(*tree.files().exists("/etc/sysctl.d/90-fettle.conf"));
  CHECK(host(tree, {"apply"}).code == 0);
  CHECK(host(tree, {"apply", "--yes"}).out.find("nothing to apply") != std::string::npos);
  CHECK(
      host(tree, {"show"}).out.find("good       numa_balancing  0, set by /etc/sysctl.d/90-fettle.conf\n") !=
      std::string::npos);
  CHECK(host(tree, {"revert"}).out.find("remove /etc/sysctl.d/90-fettle.conf\n") != std::string::npos);
  CHECK(host(tree, {"revert", "--yes"}).code == 0);
  CHECK(tree.read("/proc/sys/kernel/numa_balancing") == "1\n");
  CHECK(host(tree, {"revert"}).out.find("nothing to revert") != std::string::npos);
}

TEST_CASE("cli host: eight GPUs become sixty-four, unless somebody uses one or this is a guest") {
  Tree tree("baremetal-spx");
  prepare(tree, "mi300x-cpx");
  tree.directory("/sys/class/kfd/kfd/proc");
  const Answer shown = host(tree, {"show"});
  CHECK(shown.code == 1);
  test::check_golden("cli-host-show-cpx.txt", shown.out);
  const Answer dry = host(tree, {"apply"});
  CHECK(dry.code == 1);
  test::check_golden("cli-host-apply-cpx.txt", dry.out);

  tree.directory("/sys/class/kfd/kfd/proc/4711").file("/proc/4711/comm", "python3\n");
  const Answer refused = host(tree, {"apply", "--yes"});
  CHECK(refused.code == 2);
  CHECK(refused.err.find("1 process uses the GPUs: 4711 (python3)") != std::string::npos);
  const auto json = parse_json(host(tree, {"apply"}, cli::Format::json).out, "the answer");
  REQUIRE(json);
  CHECK(json->as_object().at("refused").as_array().size() == 1);

  tree.remove("/sys/class/kfd/kfd/proc/4711");
  CHECK(host(tree, {"apply", "--yes"}).code == 0);
  CHECK(tree.read("/sys/class/drm/card57/device/current_compute_partition") == "CPX\n");
  CHECK(host(tree, {"apply"}).code == 0);
  CHECK(host(tree, {"show"}).out.find("CPX/NPS1 on 8 GPUs, set by /etc/udev/rules.d/90-fettle.rules\n") !=
        std::string::npos);
  CHECK(host(tree, {"revert", "--yes"}).code == 0);
  CHECK(tree.read("/sys/class/drm/card57/device/current_compute_partition") == "SPX\n");

  Tree guest("azure-nd-mi300x-v5-spx");
  prepare(guest, "mi300x-cpx");
  CHECK(host(guest, {"apply"}).out.find("advice gpu_partition: left alone: the GPUs are virtual functions") !=
        std::string::npos);
}

TEST_CASE("cli host: a good node has nothing to apply, in a virtual machine too") {
  for (const char* const node : {"baremetal-spx", "azure-nd-mi300x-v5-spx"}) {
    CAPTURE(node);
    Tree tree(node);
    prepare(tree, "auto");
    CHECK(host(tree, {"show"}).code == 0);
    CHECK(host(tree, {"apply"}).code == 0);
    const auto json = parse_json(host(tree, {"show"}, cli::Format::json).out, "the answer");
    REQUIRE(json);
    for (const auto& each : json_list(*json, "settings")) CHECK(json_text(each, "standing") != "wrong");
  }
}

TEST_CASE("cli host: revert needs no configuration, show and apply do") {
  const Tree tree("baremetal-spx");
  CHECK(host(tree, {"revert"}).code == 0);
  CHECK(host(tree, {"show"}).code == 78);
  CHECK(host(tree, {"apply", "--yes"}).code == 78);
  CHECK(host(tree, {}).code == 64);
}

TEST_CASE("cli check: settings are checks too, with list and explanation of their own") {
  Tree tree("baremetal-spx");
  prepare(tree, "mi300x");
  CHECK(run(tree, &cli::run_check, {"--list"}).out.find("host.iommu") != std::string::npos);
  CHECK(run(tree, &cli::run_check, {"host.numa_balancing"}).code == 0);
  const Answer told = run(tree, &cli::run_check, {"--explain", "host.iommu"});
  CHECK(told.code == 0);
  CHECK(told.out.find("iommu=pt on the kernel command line is wanted: without pass-through") !=
        std::string::npos);
  CHECK(run(tree, &cli::run_check, {"--explain", "host.nothing"}).code == 64);
  tree.remove("/etc/fettle/fettle.yaml");  // the checks of the program are explained without a configuration
  CHECK(run(tree, &cli::run_check, {"--explain", "next-boot"}).code == 0);
  CHECK(run(tree, &cli::run_check, {"--list"}).out.find("host.iommu") == std::string::npos);
}

TEST_CASE("cli check: next-boot warns before a reboot takes the driver away") {
  Tree tree("baremetal-spx");
  prepare(tree, "mi300x");
  CHECK(run(tree, &cli::run_check, {"next-boot"}).code == 0);
  tree.overlay("next-boot-without-driver");
  const Answer warned = run(tree, &cli::run_check, {"next-boot"});
  CHECK(warned.code == 1);
  CHECK(warned.out.find("kernel 6.17.0-14-generic will have no amdgpu of DKMS") != std::string::npos);
}

TEST_CASE("cli profile: auto chooses the size of machine, and show says why") {
  struct Row {
    const char* node;
    const char* overlay;
    const char* profile;
  };
  for (const Row& row : {
           Row{"azure-nd-mi300x-v5-spx", "", "azure-nd-mi300x-v5"}, Row{"baremetal-spx", "", "mi300x"},
           Row{"baremetal-spx", "gpu-missing", "mi300x"},  // seven of eight are no other machine
       }) {
    CAPTURE(row.profile);
    Tree tree(row.node);
    if (*row.overlay != '\0') tree.overlay(row.overlay);
    prepare(tree, "auto");
    const auto json = parse_json(run(tree, &cli::run_profile, {"show"}, cli::Format::json).out, "the answer");
    REQUIRE(json);
    CHECK(json_text(*json, "name") == row.profile);
    CHECK(json_text(*json, "chosen").starts_with("chosen for this machine: "));
  }
  Tree gone("baremetal-spx");
  prepare(gone, "auto");
  gone.remove("/sys/bus/pci/devices").directory("/sys/bus/pci/devices");
  // A node that lost all its GPUs must not become one that never had any.
  CHECK(run(gone, &cli::run_profile, {"show"}).code == 78);
}
