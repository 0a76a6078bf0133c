// GPUs as their driver shows them: the DRM cards of the vendor, with what each tells of itself.
//
// Cards without a vendor are the driver's partitions (amdgpu_xcp) and skipped; so are cards of other vendors.
#include <algorithm>
#include <cctype>

#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {
namespace {

constexpr unsigned amd = 0x1002;

bool is_card(std::string_view name) {  // not card1-DP-1, a connector
  constexpr std::string_view prefix = "card";
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

Result<std::string> slot_of(const system::Files& files, const std::string& device) {
  const std::string path = device + "/uevent";
  const auto text = files.read(path, 64_KiB);
  if (!text) return fail(text.error());
  constexpr std::string_view key = "PCI_SLOT_NAME=";
  for (const std::string_view line : lines(*text)) {
    if (line.starts_with(key)) return std::string(trim(line.substr(key.size())));
  }
  return fail(Why::malformed, "cannot tell the PCI address: '" + path + "' has no PCI_SLOT_NAME");
}

Fact<Bytes> read_bytes(const system::Files& files, const std::string& path) {
  const auto number = read_number<std::uint64_t>(files, path);
  if (!number) return fail(number.error());
  return Bytes{*number};
}

Fact<PcieLink> read_link(const system::Files& files, const std::string& device) {
  PcieLink link;
  const auto speed = read_value(files, device + "/current_link_speed");
  const auto top_speed = read_value(files, device + "/max_link_speed");
  const auto width = read_number<unsigned>(files, device + "/current_link_width");
  const auto top_width = read_number<unsigned>(files, device + "/max_link_width");
  if (!speed) return fail(speed.error());
  if (!top_speed) return fail(top_speed.error());
  if (!width) return fail(width.error());
  if (!top_width) return fail(top_width.error());
  return PcieLink{*speed, *top_speed, *width, *top_width};
}

// "SPX, DPX, QPX, CPX"
Fact<std::vector<std::string>> read_modes(const system::Files& files, const std::string& path) {
  const auto text = read_value(files, path);
  if (!text) return fail(text.error());
  std::vector<std::string> modes;
  for (const std::string_view mode : split(*text, ',')) {
    if (!trim(mode).empty()) modes.emplace_back(trim(mode));
  }
  return modes;
}

// The block of a counter file in either naming scheme, "aca_umc" or "umc_err_count"; empty for other files.
std::string block_of(std::string_view name) {
  constexpr std::string_view prefix = "aca_";
  constexpr std::string_view ending = "_err_count";
  if (name.starts_with(prefix)) return std::string(name.substr(prefix.size()));
  if (name.size() > ending.size() && name.substr(name.size() - ending.size()) == ending)
    return std::string(name.substr(0, name.size() - ending.size()));
  return {};
}

Fact<std::map<std::string, RasCounts>> read_ras(const system::Files& files, const std::string& device) {
  const std::string directory = device + "/ras";
  const auto names = files.list(directory);
  if (!names) return fail(names.error());
  std::map<std::string, RasCounts> blocks;
  for (const std::string& name : *names) {
    const std::string block = block_of(name);
    if (block.empty()) continue;
    const std::string path = directory + "/" + name;
    const auto text = files.read(path, 64_KiB);
    if (!text) return fail(text.error());
    auto counts = parse_ras_counts(*text, path);
    if (!counts) return fail(counts.error());
    blocks.insert_or_assign(block, *counts);
  }
  if (blocks.empty())
    return fail(Why::missing, "cannot tell memory errors: '" + directory + "' has no counters");
  return blocks;
}

Fact<BadPages> read_bad_pages(const system::Files& files, const std::string& device) {
  const std::string path = device + "/ras/gpu_vram_bad_pages";
  // 4 MiB: 33 bytes a line, and a GPU is replaced long before its hundred thousandth page.
  const auto text = files.read(path, 4_MiB);
  if (!text) return fail(text.error());
  return parse_bad_pages(*text, path);
}

// The last line holds the sum: "TOTAL_ERR_FATAL 0".
Result<std::uint64_t> total_of(const system::Files& files, const std::string& path) {
  const auto text = files.read(path, 64_KiB);
  if (!text) return fail(text.error());
  for (const std::string_view line : lines(*text)) {
    if (!line.starts_with("TOTAL_ERR_")) continue;
    const auto count = to_number<std::uint64_t>(split(trim(line), ' ').back());
    if (count) return *count;
  }
  return fail(Why::malformed, "cannot read '" + path + "': it has no line 'TOTAL_ERR_… N'");
}

Fact<std::uint64_t> read_bus_errors(const system::Files& files, const std::string& device) {
  const auto fatal = total_of(files, device + "/aer_dev_fatal");
  if (!fatal) return fail(fatal.error());
  const auto other = total_of(files, device + "/aer_dev_nonfatal");
  if (!other) return fail(other.error());
  return *fatal + *other;
}

Card read_card(const system::Files& files, const std::string& name, const std::string& device,
               std::string slot) {
  Card card;
  card.name = name;
  card.pci_address = std::move(slot);
  card.compute_partition = read_value(files, device + "/current_compute_partition");
  card.compute_partitions = read_modes(files, device + "/available_compute_partition");
  card.memory_partition = read_value(files, device + "/current_memory_partition");
  card.vram = read_bytes(files, device + "/mem_info_vram_total");
  card.link = read_link(files, device);
  card.ras = read_ras(files, device);
  card.bad_pages = read_bad_pages(files, device);
  card.bus_errors = read_bus_errors(files, device);
  card.hive = read_number<std::uint64_t>(files, device + "/xgmi_hive_info/xgmi_hive_id");
  return card;
}

}  // namespace

Result<RasCounts> parse_ras_counts(std::string_view text, std::string_view file) {
  RasCounts counts;
  bool found = false;
  for (const std::string_view line : lines(text)) {
    const auto colon = line.find(':');
    const auto count = colon == std::string_view::npos
                           ? std::nullopt
                           : to_number<std::uint64_t>(trim(line.substr(colon + 1)));
    const std::string_view key = trim(line.substr(0, colon));
    if (!count || (key != "ue" && key != "ce" && key != "de")) {
      return fail(Why::failed,
                  "cannot read '" + std::string(file) + "': the driver says '" +
                      std::string(trim(line.substr(0, 80))) + "'",
                  "while a GPU is reset its counters cannot be read; look again in a minute");
    }
    (key == "ue" ? counts.uncorrectable : key == "ce" ? counts.corrected : counts.deferred) = *count;
    found = found || key == "ue";
  }
  if (!found) return fail(Why::malformed, "cannot read '" + std::string(file) + "': it has no line 'ue: N'");
  return counts;
}

Result<BadPages> parse_bad_pages(std::string_view text, std::string_view file) {
  BadPages pages;
  for (const std::string_view line : lines(text)) {
    if (trim(line).empty()) continue;
    const std::string_view flag = trim(split(line, ':').back());
    if (flag == "R") {
      ++pages.reserved;
    } else if (flag == "P") {
      ++pages.pending;
    } else if (flag == "F") {
      ++pages.failed;
    } else {
      return fail(Why::malformed,
                  "cannot read '" + std::string(file) + "': a line does not end in R, P or F");
    }
  }
  return pages;
}

Result<std::vector<Card>> read_cards(const system::Files& files) {
  const auto classes = files.look_through("/sys/class");
  if (!classes) return fail(while_doing("look for GPUs in DRM", classes.error()));
  const std::string drm = "/sys/class/drm";
  const auto names = list_optional(files, drm);
  if (!names) return fail(while_doing("look for GPUs in DRM", names.error()));
  std::vector<Card> cards;
  for (const std::string& name : *names) {
    if (!is_card(name)) continue;
    const std::string device = drm + "/" + name + "/device";
    const auto vendor = read_number<unsigned>(files, device + "/vendor", 16);
    if (!vendor && vendor.error().why == Why::missing) continue;
    if (!vendor) return fail(vendor.error());
    if (*vendor != amd) continue;
    auto slot = slot_of(files, device);
    if (!slot && slot.error().why == Why::missing) continue;  // unplugged since it was listed
    if (!slot) return fail(slot.error());
    cards.push_back(read_card(files, name, device, std::move(*slot)));
  }
  return cards;
}

}  // namespace fettle::facts
