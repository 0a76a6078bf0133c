// Software RAID arrays as md shows them. A state of "clean" promises nothing: md notices a lost member only
// when it is written to.
#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {
namespace {

Result<Array> read_array(const system::Files& files, const std::string& name) {
  const std::string device = "/sys/block/" + name;
  Array array;
  array.name = name;
  const auto state = read_value(files, device + "/md/array_state");
  const auto level = read_value(files, device + "/md/level");
  const auto disks = read_value(files, device + "/md/raid_disks");
  const auto sectors = read_number<std::uint64_t>(files, device + "/size");
  const auto chunk = read_optional(files, device + "/md/chunk_size");
  const auto entries = files.list(device + "/md");
  if (!state) return fail(state.error());
  if (!level) return fail(level.error());
  if (!disks) return fail(disks.error());
  if (!sectors) return fail(sectors.error());
  if (!chunk) return fail(chunk.error());
  if (!entries) return fail(entries.error());
  array.state = *state;
  array.level = *level;
  // "8", or "8 (7)" while it is reshaped; an inactive array may say nothing.
  array.raid_disks = to_number<unsigned>(split(*disks, ' ').front()).value_or(0);
  array.size = Bytes{*sectors * 512};
  array.chunk = Bytes{to_number<std::uint64_t>(*chunk).value_or(0)};
  for (const std::string& entry : *entries) {
    if (entry.starts_with("dev-")) array.members.push_back(entry.substr(4));
  }
  return array;
}

}  // namespace

Result<std::vector<Array>> read_arrays(const system::Files& files) {
  const auto names = files.list("/sys/block");
  if (!names) return fail(while_doing("look for arrays", names.error()));
  std::vector<Array> arrays;
  for (const std::string& name : *names) {
    if (!name.starts_with("md")) continue;
    const auto is_array = files.exists("/sys/block/" + name + "/md");
    if (!is_array) return fail(is_array.error());
    if (!*is_array) continue;
    auto array = read_array(files, name);
    if (!array) return fail(array.error());
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

}  // namespace fettle::facts
