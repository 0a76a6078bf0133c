#include <doctest/doctest.h>

#include "facts/readers.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::facts;
using fettle::test::Tree;

TEST_CASE("facts: the captured bare-metal node is read as it is") {
  Tree tree("baremetal-spx");
  const auto& files = tree.files();
  const auto os = read_os(files);
  REQUIRE(os);
  CHECK(os->id == "ubuntu");
  CHECK(os->release == "24.04.3");
  CHECK(os->pretty == "Ubuntu 24.04.3 LTS");
  const auto kernel = read_kernel(files);
  REQUIRE(kernel);
  CHECK(kernel->release == "6.14.0-33-generic");
  CHECK(kernel->series == "6.14");
  CHECK(kernel->flavour == "generic");
  const auto driver = read_driver(files);
  REQUIRE(driver);
  CHECK(driver->loaded);
  CHECK(driver->live);
  CHECK(driver->out_of_tree);
  CHECK(driver->module_version == "6.14.14");
  const auto package = read_driver_package(files);
  REQUIRE(package);
  CHECK(package->installed);
  CHECK(package->release == "30.10.2");
  CHECK(package->module_version == "6.14.14");
  const auto rocm = read_rocm(files);
  REQUIRE(rocm);
  REQUIRE(rocm->size() == 1);
  CHECK(rocm->front().path == "/opt/rocm-7.0.2");
  CHECK(rocm->front().version == "7.0.2");
  CHECK(rocm->front().is_default);
}

TEST_CASE("facts: the Azure node differs in its kernel's flavour") {
  Tree tree("azure-nd-mi300x-v5-spx");
  const auto kernel = read_kernel(tree.files());
  REQUIRE(kernel);
  CHECK(kernel->release == "6.14.0-1017-azure");
  CHECK(kernel->series == "6.14");
  CHECK(kernel->flavour == "azure");
}

TEST_CASE("facts: overlays change what they are named after") {
  SUBCASE("driver-in-tree") {
    Tree tree("baremetal-spx");
    tree.overlay("driver-in-tree");
    const auto driver = read_driver(tree.files());
    REQUIRE(driver);
    CHECK(driver->live);
    CHECK_FALSE(driver->out_of_tree);
    CHECK(driver->module_version.empty());
    const auto package = read_driver_package(tree.files());
    REQUIRE(package);
    CHECK_FALSE(package->installed);
  }
  SUBCASE("driver-not-loaded") {
    Tree tree("baremetal-spx");
    tree.overlay("driver-not-loaded");
    const auto driver = read_driver(tree.files());
    REQUIRE(driver);
    CHECK_FALSE(driver->loaded);
    CHECK_FALSE(driver->live);
  }
  SUBCASE("rocm-core-sdk-7.14") {
    Tree tree("baremetal-spx");
    tree.overlay("rocm-core-sdk-7.14");
    const auto rocm = read_rocm(tree.files());
    REQUIRE(rocm);
    REQUIRE(rocm->size() == 1);
    CHECK(rocm->front().path == "/opt/rocm/core-7.14");
    CHECK(rocm->front().version == "7.14.0");
    CHECK(rocm->front().is_default);
    CHECK(read_driver_package(tree.files())->release == "31.40.0");
  }
  SUBCASE("kernel-6.8-ga") {
    Tree tree("baremetal-spx");
    tree.overlay("kernel-6.8-ga");
    CHECK(read_kernel(tree.files())->series == "6.8");
  }
}

TEST_CASE("facts: os-release is found in both places, with any quotes and with or without a point release") {
  struct Row {
    const char* text;
    const char* id;
    const char* release;
  };
  for (const Row& row : {
           Row{"ID=ubuntu\nVERSION=\"24.04 LTS (Noble Numbat)\"\nVERSION_ID=\"24.04\"\n", "ubuntu", "24.04"},
           Row{"ID=ubuntu\nPRETTY_NAME='Ubuntu 22.04.5 LTS'\nVERSION_ID=\"22.04\"\n", "ubuntu", "22.04.5"},
           Row{"ID=debian\nVERSION_ID=\"13\"\nVERSION=\"13 (trixie)\"\n", "debian", "13"},
           Row{"ID=arch\nPRETTY_NAME=\"Arch Linux\"\n# no version at all\n", "arch", ""},
           Row{"NAME=x=y\nnonsense\nID=\"a\\\"b\"\n", "a\"b", ""},
       }) {
    CAPTURE(row.text);
    const auto os = parse_os_release(row.text, "/etc/os-release");
    REQUIRE(os);
    CHECK(os->id == row.id);
    CHECK(os->release == row.release);
  }
  Tree tree;
  CHECK(read_os(tree.files()).error().why == Why::missing);
  tree.file("/usr/lib/os-release", "ID=debian\nVERSION_ID=12\n");
  CHECK(read_os(tree.files())->release == "12");
  tree.file("/etc/os-release", "NAME=nothing\n");
  CHECK(read_os(tree.files()).error().said == "cannot tell the distribution: '/etc/os-release' has no ID");
  tree.file("/etc/os-release", std::string(70000, 'x'));
  CHECK_FALSE(read_os(tree.files()));
}

TEST_CASE("facts: a kernel release is taken apart") {
  struct Row {
    const char* release;
    const char* series;
    const char* flavour;
  };
  for (const Row& row : {
           Row{"6.8.0-85-generic", "6.8", "generic"},
           Row{"6.8.0-85-generic-64k", "6.8", "generic-64k"},
           Row{"6.12.0-1-cloud-amd64", "6.12", "cloud-amd64"},
           Row{"5.15.0-1073-azure", "5.15", "azure"},
           Row{"6.14.0", "6.14", ""},
           Row{"6.15.0-rc3", "6.15", ""},
           Row{"5.15.153.1-microsoft-standard-WSL2", "5.15", "microsoft-standard-WSL2"},
           Row{"6.14.0-", "6.14", ""},
       }) {
    CAPTURE(row.release);
    const Kernel kernel = parse_kernel_release(row.release);
    CHECK(kernel.series == row.series);
    CHECK(kernel.flavour == row.flavour);
  }
  Tree tree;
  tree.file("/proc/sys/kernel/osrelease", "linux\n");
  CHECK(read_kernel(tree.files()).error().why == Why::malformed);
}

TEST_CASE("facts: whether the module is loaded is not guessed") {
  Tree tree;
  CHECK(read_driver(tree.files()).error().said ==
        "cannot tell whether the amdgpu module is loaded: cannot look at '/sys/module': No such file or "
        "directory");
  tree.directory("/sys/module/amdgpu");
  CHECK(read_driver(tree.files())->live);  // built into the kernel: no initstate
  tree.file("/sys/module/amdgpu/initstate", "coming\n");
  CHECK(read_driver(tree.files())->loaded);
  CHECK_FALSE(read_driver(tree.files())->live);
}

TEST_CASE("facts: the driver release is in the digits of the package version") {
  struct Row {
    const char* version;
    const char* release;
    const char* module;
  };
  for (const Row& row : {
           Row{"1:6.14.14.30100200-2226257.24.04", "30.10.2", "6.14.14"},
           Row{"1:6.14.14.30100000-2204008.24.04", "30.10.0", "6.14.14"},
           Row{"1:6.16.13.30300400-2341068.24.04", "30.30.4", "6.16.13"},
           Row{"1:6.19.14.31400000-2364437.24.04", "31.40.0", "6.19.14"},
           Row{"1:6.12.12.60400-2120656.24.04", "6.4.0", "6.12.12"},
           Row{"1:6.8.5.60202-2078359.22.04", "6.2.2", "6.8.5"},
       }) {
    CAPTURE(row.version);
    const auto package = parse_driver_package(row.version);
    REQUIRE(package);
    CHECK(package->release == row.release);
    CHECK(package->module_version == row.module);
  }
  for (const char* const version :
       {"", "1:", "6.14.14", "1:6.14.14.abc-1", "1:.30100200-1", "1:6.1.30100200999-1"}) {
    CAPTURE(version);
    CHECK(parse_driver_package(version).error().why == Why::malformed);
  }
}

TEST_CASE("facts: dpkg's status is searched in one pass, wherever the package stands") {
  const std::string ours =
      "Package: amdgpu-dkms\nStatus: install ok installed\nVersion: 1:6.14.14.30100200-2226257.24.04\n";
  // Long enough for several pieces of reading, shifted so that the entry crosses their borders everywhere.
  for (const std::size_t shift : {0U, 1U, 17U, 40U, 120U}) {
    CAPTURE(shift);
    std::string text = "Package: a\nDescription: " + std::string(131072 - 60 - shift, 'x') + "\n\n" + ours +
                       "\nPackage: b\nVersion: 9\nDescription: Package: amdgpu-dkms\n";
    Tree tree;
    tree.file("/var/lib/dpkg/status", text);
    const auto package = read_driver_package(tree.files());
    REQUIRE(package);
    CHECK(package->release == "30.10.2");
  }
  Tree tree;
  tree.file("/var/lib/dpkg/status", ours);  // the last entry, without an empty line
  CHECK(read_driver_package(tree.files())->installed);
  tree.file("/var/lib/dpkg/status",
            "Package: amdgpu-dkms-firmware\nStatus: install ok installed\nVersion: 1:6\n\n");
  CHECK_FALSE(read_driver_package(tree.files())->installed);
}

TEST_CASE("facts: a driver package that is not in order is an error, a removed one is not there") {
  struct Row {
    const char* state;
    bool readable;
    bool installed;
  };
  for (const Row& row :
       {Row{"installed", true, true}, Row{"triggers-pending", true, true}, Row{"config-files", true, false},
        Row{"not-installed", true, false}, Row{"half-configured", false, false},
        Row{"unpacked", false, false}, Row{"", false, false}}) {
    CAPTURE(row.state);
    Tree tree;
    tree.file("/var/lib/dpkg/status", std::string("Package: amdgpu-dkms\nStatus: install ok ") + row.state +
                                          "\nVersion: 1:6.14.14.30100200-2226257.24.04\n");
    const auto package = read_driver_package(tree.files());
    CHECK(package.has_value() == row.readable);
    if (package) CHECK(package->installed == row.installed);
  }
  Tree tree;
  CHECK(read_driver_package(tree.files()).error().said ==
        "cannot tell the driver release: cannot open '/var/lib/dpkg/status': No such file or directory");
  tree.file("/var/lib/dpkg/status", "Package: amdgpu-dkms\nDepends: " + std::string(600000, 'x'));
  CHECK(read_driver_package(tree.files()).error().why == Why::malformed);
}

TEST_CASE("facts: several ROCm releases side by side, and which of them /opt/rocm leads to") {
  Tree tree;
  CHECK(read_rocm(tree.files())->empty());
  tree.file("/opt/rocm-6.4.3/.info/version", "6.4.3-128\n")
      .file("/opt/rocm-7.0.2/.info/version-dev", "7.0.2-56");
  tree.directory("/opt/rocm-6.1.0/share").directory("/opt/rocm-bandwidth");  // left over by a removal
  tree.link("/opt/rocm", "/etc/alternatives/rocm").link("/etc/alternatives/rocm", "/opt/rocm-6.4.3");
  auto rocm = read_rocm(tree.files());
  REQUIRE(rocm);
  REQUIRE(rocm->size() == 2);
  CHECK(rocm->at(0).version == "6.4.3");
  CHECK(rocm->at(0).is_default);
  CHECK(rocm->at(1).version == "7.0.2");
  CHECK_FALSE(rocm->at(1).is_default);
  // A link that leads nowhere makes none of them the default.
  tree.remove("/etc/alternatives/rocm").link("/etc/alternatives/rocm", "/opt/rocm-5.7.0");
  rocm = read_rocm(tree.files());
  REQUIRE(rocm->size() == 2);
  CHECK_FALSE(rocm->at(0).is_default);
  // A loop of links ends.
  tree.remove("/etc/alternatives/rocm").link("/etc/alternatives/rocm", "/opt/rocm");
  CHECK_FALSE(read_rocm(tree.files()));
}

TEST_CASE("facts: the newer ROCm layout has its releases below /opt/rocm") {
  Tree tree;
  tree.file("/opt/rocm/core-7.14/.info/version", "7.14.0\n")
      .file("/opt/rocm/core-10.0/.info/version", "10.0.0\n");
  tree.link("/opt/rocm/core", "core-10")
      .link("/opt/rocm/core-10", "core-10.0")
      .file("/opt/rocm-7.0.2/.info/version", "7.0.2-56\n");
  const auto rocm = read_rocm(tree.files());
  REQUIRE(rocm);
  REQUIRE(rocm->size() == 3);
  for (const Rocm& one : *rocm) {
    CAPTURE(one.path);
    CHECK(one.is_default == (one.version == "10.0.0"));
  }
  tree.file("/opt/rocm/core-7.14/.info/version", "seven\n");
  CHECK(read_rocm(tree.files()).error().why == Why::malformed);
}
