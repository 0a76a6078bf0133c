#include "collect/baseline.h"

#include <boost/json/array.hpp>
#include <map>

#include "base/json.h"
#include "base/names.h"

namespace fettle::collect {
namespace {

namespace json = boost::json;

using ByDrive = std::map<std::string, system::ReadTimes>;

// What cannot be read, or belongs to another generation, is measured anew: a baseline is worth no alarm.
ByDrive read_baseline(const system::Files& files, const std::string& generation) {
  ByDrive drives;
  const auto text = files.read(names::read_baseline, 1_MiB);
  if (!text) return drives;
  const auto value = parse_json(*text, "the first measurement of the drives");
  if (!value || json_text(*value, "generation") != generation) return drives;
  const json::value* const list = json_field(*value, "drives");
  if (list == nullptr || !list->is_array()) return drives;
  for (const json::value& item : list->get_array()) {
    const auto reads = facts::parse_reads(json_field(item, "reads"));
    if (reads) drives[json_text(item, "serial")] = *reads;
  }
  return drives;
}

}  // namespace

Result<void> compare_with_first(const system::Files& files, const std::string& generation,
                                std::vector<facts::DriveTrial>& trials) {
  if (generation.empty()) return {};
  ByDrive drives = read_baseline(files, generation);
  for (facts::DriveTrial& trial : trials) {
    const auto known = drives.find(trial.serial);
    if (known != drives.end()) {
      trial.first = known->second;
    } else if (trial.reads) {
      drives[trial.serial] = *trial.reads;
      trial.first = *trial.reads;
    }
  }
  json::array list;
  for (const auto& [serial, reads] : drives) {
    json::object drive{{"serial", serial}};
    drive["reads"] = facts::to_json(Result<system::ReadTimes>(reads));
    list.emplace_back(std::move(drive));
  }
  json::object object{{"format", 1}, {"generation", generation}};
  object["drives"] = std::move(list);
  const auto written = files.write(names::read_baseline, pretty_json(object), 0600);
  if (!written) return fail(while_doing("keep the first measurement of the drives", written.error()));
  return {};
}

}  // namespace fettle::collect
