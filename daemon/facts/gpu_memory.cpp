#include "facts/gpu_memory.h"

#include <algorithm>

#include "facts/sysfs.h"

namespace fettle::facts {
namespace {

// "card1", not "card1-DP-1", which is a connector.
bool is_card(std::string_view name) {
  return name.starts_with("card") && name.size() > 4 &&
         name.find_first_not_of("0123456789", 4) == std::string_view::npos;
}

}  // namespace

Result<std::vector<GpuMemory>> read_gpu_memory(const system::Files& files) {
  const std::string cards = "/sys/class/drm";
  const auto names = list_optional(files, cards);
  if (!names) return fail(names.error());
  std::vector<GpuMemory> all;
  for (const std::string& name : *names) {
    if (!is_card(name)) continue;
    const std::string device = cards + "/" + name + "/device/mem_info_vram_";
    const auto total = read_number<std::uint64_t>(files, device + "total");
    if (!total && total.error().why == Why::missing) continue;  // a card of another driver
    if (!total) return fail(total.error());
    const auto used = read_number<std::uint64_t>(files, device + "used");
    if (!used) return fail(used.error());
    all.push_back({name, {*total}, {*used}});
  }
  return all;
}

}  // namespace fettle::facts
