#include <doctest/doctest.h>

#include "facts/readers.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::facts;
using fettle::test::Tree;

TEST_CASE("facts: cards are the GPUs of the vendor, not connectors, partitions or the BMC's display") {
  Tree tree("baremetal-spx");
  tree.file("/sys/class/drm/card1-DP-1/device/vendor", "0x1002\n");
  const auto cards = read_cards(tree.files());
  REQUIRE(cards);
  REQUIRE(cards->size() == 8);
  const Card& card = cards->front();
  CHECK(card.name == "card1");
  CHECK(card.pci_address == "0000:05:00.0");
  CHECK(*card.compute_partition == "SPX");
  CHECK(card.vram->count == 206141652992);
  CHECK(card.link->width == 16);
  CHECK(card.ras->size() == 5);
  CHECK(*card.bus_errors == 0);
  CHECK(*card.hive == 15188982192727901047U);
  tree.remove("/sys/class/drm");
  CHECK(read_cards(tree.files())->empty());  // no driver
  tree.remove("/sys/class");
  CHECK_FALSE(read_cards(tree.files()));
}

TEST_CASE("facts: error counters are found under both names") {
  Tree tree("baremetal-spx");
  tree.overlay("ras-legacy-names");
  const auto cards = read_cards(tree.files());
  REQUIRE(cards);
  REQUIRE(cards->front().ras);
  CHECK(cards->front().ras->count("umc") == 1);
  CHECK(cards->front().ras->count("pcie_bif") == 1);
}

TEST_CASE("facts: counters and bad pages of a hostile or resetting driver are errors, never zero") {
  CHECK(parse_ras_counts("ue: 3\nce: 1\nde: 2\n", "f")->uncorrectable == 3);
  CHECK(parse_ras_counts("ue: 0\nce: 18446744073709551615\n", "f")->corrected == 18446744073709551615U);
  for (const char* const text : {"", "\n", "ce: 0\n", "ue: \n", "ue: -1\n", "ue: 99999999999999999999\n",
                                 "Query currently inaccessible\n", "ue: 0\nce: 0\nxx: 0\n",
                                 "\x7f"
                                 "ELF"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ras_counts(text, "f"));
  }
  CHECK(parse_ras_counts("Query currently inaccessible\n", "f").error().said ==
        "cannot read 'f': the driver says 'Query currently inaccessible'");
  const auto pages = parse_bad_pages("0x01 : 0x1000 : R\n0x02 : 0x1000 : P\n\n0x03 : 0x1000 : F\n", "f");
  REQUIRE(pages);
  CHECK(pages->reserved == 1);
  CHECK(pages->pending == 1);
  CHECK(pages->failed == 1);
  CHECK(parse_bad_pages("", "f")->reserved == 0);
  CHECK_FALSE(parse_bad_pages("0x01 : 0x1000 : X\n", "f"));
  CHECK_FALSE(parse_bad_pages("nonsense\n", "f"));
}

TEST_CASE("facts: what one card does not show is that value's error and no other's") {
  Tree tree("baremetal-spx");
  const std::string device = "/sys/class/drm/card1/device";
  tree.remove(device + "/current_compute_partition");
  tree.file(device + "/mem_info_vram_total", "many\n");
  tree.file(device + "/aer_dev_fatal", "TLP 0\n");
  tree.remove(device + "/ras");
  const auto cards = read_cards(tree.files());
  REQUIRE(cards);
  const Card& card = cards->front();
  CHECK(card.compute_partition.error().why == Why::missing);
  CHECK(card.vram.error().why == Why::malformed);
  CHECK(card.bus_errors.error().why == Why::malformed);
  CHECK(card.ras.error().why == Why::missing);
  CHECK(card.bad_pages.error().why == Why::missing);
  CHECK(card.memory_partition);
  CHECK(cards->size() == 8);
  tree.file(device + "/uevent", "DRIVER=amdgpu\n");
  CHECK(read_cards(tree.files()).error().why == Why::malformed);
}

TEST_CASE("facts: peers over xGMI are counted, and a partition leads back to its GPU") {
  Tree tree("baremetal-spx");
  const auto devices = read_kfd(tree.files());
  REQUIRE(devices);
  REQUIRE(devices->size() == 8);
  for (const KfdDevice& device : *devices) CHECK(*device.xgmi_peers == 7);
  CHECK(pci_address_of({0, 1280, {}}) == "0000:05:00.0");
  CHECK(pci_address_of({0x11, 0, {}}) == "0011:00:00.0");
  CHECK(pci_address_of({0, 1283, {}}) == "0000:05:00.0");
  CHECK(count_gpus({{0, 1280, {}}, {0, 1283, {}}, {1, 1280, {}}}) == 2);
}

TEST_CASE("facts: the modes that a GPU offers, and who computes on it, or that nobody can tell") {
  Tree tree("baremetal-spx");
  const auto cards = read_cards(tree.files());
  REQUIRE(cards);
  CHECK(*cards->front().compute_partitions == std::vector<std::string>{"SPX", "DPX", "QPX", "CPX"});
  const auto untold = read_gpu_users(tree.files());
  REQUIRE_FALSE(untold);  // no list is not an empty list
  CHECK(untold.error().why == Why::missing);
  tree.directory("/sys/class/kfd/kfd/proc");
  CHECK(read_gpu_users(tree.files())->empty());
  tree.directory("/sys/class/kfd/kfd/proc/12").file("/proc/12/comm", "rocminfo\n");
  tree.directory("/sys/class/kfd/kfd/proc/7");
  const auto users = read_gpu_users(tree.files());
  REQUIRE(users);
  REQUIRE(users->size() == 2);
  CHECK(users->front().name == "rocminfo");
  CHECK(users->back().process == "7");
  CHECK(users->back().name.empty());  // of another namespace, or gone since
}

TEST_CASE("facts: a rule of udev that sets the compute partition is found in either form, and no other") {
  Tree tree;
  CHECK(read_partition_sources(tree.files())->empty());
  tree.file("/usr/lib/udev/rules.d/60-x.rules", "ATTR{current_compute_partition}=\"DPX\"\n");
  tree.file("/etc/udev/rules.d/60-x.rules", "DRIVER==\"amdgpu\", ATTR{current_compute_partition}=\"CPX\"\n");
  tree.file("/run/udev/rules.d/80-y.rules",
            "# ATTR{current_compute_partition}=\"DPX\"\n"
            "ATTR{current_compute_partition}==\"DPX\", GOTO=\"end\"\n"
            "RUN+=\"/bin/sh -c 'echo QPX > /sys%p/current_compute_partition'\"\n"
            "RUN+=\"/bin/sh -c 'echo on > /sys%p/power/control'\"\n");
  const auto sources = read_partition_sources(tree.files());
  REQUIRE(sources);
  REQUIRE(sources->size() == 2);
  CHECK(sources->front().file == "/etc/udev/rules.d/60-x.rules");
  CHECK(sources->front().value == "CPX");
  CHECK(sources->back().value == "QPX");
}
