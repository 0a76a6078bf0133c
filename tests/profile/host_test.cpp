// The keys `host`, `for` and `extends` of a profile, and `profile: auto`.
#include <doctest/doctest.h>

#include "profile/load.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::profile;
using fettle::test::Tree;

namespace {

std::string said(const std::string& text) {
  std::string all;
  for (const Complaint& each : check_text("schema: 1\nkind: profile\n" + text, ""))
    all += to_text(each) + "\n";
  return all;
}

// A machine with these profiles and the tables that every load wants.
struct Machine {
  Tree tree;
  explicit Machine(const std::string& profile) {
    tree.file("/usr/share/fettle/profiles/gpus.yaml",
              "schema: 1\nkind: gpus\nsources:\n  - {key: A, kind: page, title: t}\ndevices:\n"
              "  - {id: \"0x74a1\", name: MI300X, family: MI300X, gfx: gfx942, sources: [A]}\n");
    tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: " + profile + "\n");
  }
  Machine& profile(const std::string& name, const std::string& text) {
    tree.file("/usr/share/fettle/profiles/" + name + ".yaml", "schema: 1\nkind: profile\n" + text);
    return *this;
  }
  Machine& gpus(unsigned count, const char* device) {
    for (unsigned at = 0; at < count; ++at) {
      const std::string directory = "/sys/bus/pci/devices/0000:0" + std::to_string(at) + ":00.0";
      tree.file(directory + "/vendor", "0x1002\n").file(directory + "/class", "0x120000\n");
      tree.file(directory + "/device", device);
    }
    return *this;
  }
  Machine& vendor(const char* text) {
    tree.file("/sys/class/dmi/id/sys_vendor", text);
    return *this;
  }
  Loaded load() const { return profile::load(tree.files(), Tables::without_versions); }
  std::string complaints() const {
    std::string all;
    for (const Complaint& each : load().complaints) all += to_text(each) + "\n";
    return all;
  }
};

// A machine whose configuration leaves the choice to us, among these.
struct Choosing : Machine {
  Choosing() : Machine("auto") {
    profile("iron", "for: {pci_devices: [\"0x74a1\"], count: 8}\n");
    profile("cloud", "for: {pci_devices: [\"0x74b5\"], count: 8, vendor: \"Microsoft*\"}\n");
    profile("any", "for: {pci_devices: [\"0x74a1\", \"0x74b5\"]}\n");
    profile("none", "for: {no_gpu: true}\n");
    profile("named-only", "why: w\n");
  }
};

}  // namespace

TEST_CASE("profile: a setting of the host must be one that can be read and written") {
  const std::string head = "host:\n  settings:\n    - {name: x, why: w, value: \"0\", ";
  CHECK(said(head + "kind: sysctl, key: kernel.numa_balancing}\n").empty());
  CHECK(said(head + "kind: sysfs, key: /sys/a*/b}\n").empty());
  struct Row {
    const char* rest;
    const char* what;
  };
  for (const Row& row : {
           Row{"kind: sysctl, key: /proc/sys/x}", "'key' cannot be '/proc/sys/x' with this 'kind'"},
           Row{"kind: sysctl, key: ../../etc/passwd}", "'key' cannot be"},
           Row{"kind: sysfs, key: /sys/../etc/passwd}", "'key' cannot be"},
           Row{"kind: sysfs, key: /etc/passwd}", "'key' cannot be"},
           Row{"kind: module, key: amdgpu}", "'key' cannot be"},
           Row{"kind: limit, key: \"mem lock\"}", "'key' cannot be"},
           Row{"kind: tmpfs, key: x.y}", "'kind' cannot be 'tmpfs'"},
           Row{"kind: sysfs, key: /sys/a, beside: \"../x=1\"}", "'beside'"},
       }) {
    CAPTURE(row.rest);
    CHECK(said(head + row.rest + "\n").find(row.what) != std::string::npos);
  }
  CHECK(said("host:\n  settings:\n    - {name: x, why: w, value: \"0 1\", kind: boot, key: a}\n")
            .find("'value'") != std::string::npos);
  CHECK(said("host:\n  settings:\n    - {name: swap, why: w, value: \"0\", kind: boot, key: a}\n")
            .find("there is a check host.swap already") != std::string::npos);
  CHECK(said(head + "kind: boot, key: a}\n    - {name: x, why: w, value: \"0\", kind: boot, key: b}\n")
            .find("'x'") != std::string::npos);
}

TEST_CASE("profile: what a profile does not say it takes from the one that it extends, of host each key") {
  Machine machine("small");
  machine.profile("big",
                  "gpus: {model: MI300X, count: 8}\nhost:\n  threads: 96\n  memory: 1 TiB\n"
                  "cache: {path: /srv/x}\ncaches:\n  - {name: hf, why: w}\n");
  machine.profile("small", "extends: big\ngpus: {model: MI300X, count: 1}\nhost: {threads: 48}\n");
  const Loaded loaded = machine.load();
  CHECK(machine.complaints().empty());
  REQUIRE(loaded.profile);
  CHECK(loaded.profile->name == "small");
  CHECK(loaded.profile->gpus->count == 1);
  CHECK(loaded.profile->host->threads == 48);
  CHECK(loaded.profile->host->memory == 1024_GiB);
  CHECK(loaded.profile->caches.size() == 1);
  CHECK(loaded.profile->cache->path == "/srv/x");
}

TEST_CASE("profile: a base that is not there, has mistakes, or extends itself is a mistake") {
  CHECK(Machine("a").profile("a", "extends: b\n").complaints().find("there is no profile 'b' to extend") !=
        std::string::npos);
  CHECK(Machine("a").profile("a", "extends: a\n").complaints().find("profiles extend each other") !=
        std::string::npos);
  CHECK(Machine("a")
            .profile("a", "extends: b\n")
            .profile("b", "gpu: 1\n")
            .complaints()
            .find("unknown key 'gpu'") != std::string::npos);
}

TEST_CASE("profile: auto takes the one of which most is true here, and says why") {
  const auto chosen = [](const Machine& one) {
    const Loaded loaded = one.load();
    return loaded.profile ? loaded.profile->name + ": " + loaded.profile->chosen : one.complaints();
  };
  CHECK(chosen(Choosing().gpus(8, "0x74a1\n")) == "iron: chosen for this machine: 8 GPUs of 1002:74a1");
  CHECK(chosen(Choosing().gpus(8, "0x74b5\n").vendor("Microsoft Corporation\n")).starts_with("cloud: "));
  CHECK(chosen(Choosing().gpus(8, "0x74b5\n").vendor("Other\n")).starts_with("any: "));
  CHECK(chosen(Choosing().gpus(7, "0x74a1\n")).starts_with("any: "));
  CHECK(chosen(Choosing()) == "none: chosen for this machine: no AMD GPU");
  CHECK(chosen(Choosing().gpus(1, "0x1638\n"))
            .find("'auto' finds no profile for this machine: 1 GPU of 1002:1638") != std::string::npos);
  CHECK(chosen(Choosing().profile("all", "for: {pci_devices: [\"0x74a1\"]}\n").gpus(2, "0x74a1\n"))
            .find("cannot choose between") != std::string::npos);
  // A GPU that cannot be read must not be taken for none.
  Choosing broken;
  broken.gpus(1, "0x74a1\n");
  broken.tree.file("/sys/bus/pci/devices/0000:00:00.0/vendor", "\xff\n");
  CHECK(chosen(broken).find("'auto' cannot choose a profile: cannot read") != std::string::npos);
}

TEST_CASE("profile: a profile that is named says so") {
  Machine machine("a");
  machine.profile("a", "why: w\n");
  CHECK(machine.load().profile->chosen == "named in the configuration");
}
