#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/bytes.h"
#include "base/json.h"
#include "cli/report_sections.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

// A field within a field, or null.
const json::value* inside(const json::value* object, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (object != nullptr) object = json_field(*object, key);
  }
  return object;
}

// The item of a list whose field is that text, or null.
const json::value* find_by(const json::value* list, std::string_view key, std::string_view text) {
  if (list == nullptr || !list->is_array()) return nullptr;
  for (const json::value& item : list->get_array()) {
    if (json_text(item, key) == text) return &item;
  }
  return nullptr;
}

std::string number_in(const json::value* object, std::string_view key, std::string_view unit) {
  const json::value* const field = object == nullptr ? nullptr : json_field(*object, key);
  if (field == nullptr || !field->is_number()) return {};
  return std::to_string(json_count(*object, key)) + std::string(unit);
}

// Rounded up: what took less than a millisecond did take time.
std::string milliseconds_in(const json::value& object, std::string_view key) {
  if (number_in(&object, key, "").empty()) return {};
  return std::to_string((json_count(object, key) + 999) / 1000) + " ms";
}

std::string temperature_in(const json::value* smart) {
  constexpr std::int64_t freezing = 273;
  if (number_in(smart, "temperature_kelvin", "").empty()) return {};
  return std::to_string(static_cast<std::int64_t>(json_count(*smart, "temperature_kelvin")) - freezing) +
         " \xC2\xB0"
         "C";
}

std::string phase_text(const json::value* phase) {
  if (phase == nullptr || !phase->is_object()) return "not seen";
  const std::string status = json_text(*phase, "status");
  const std::string says = json_text(*phase, "says");
  if (status == "unknown" && says.empty()) return "has not run in this boot";
  std::string text = status + ": " + says;
  if (json_count(*phase, "duration_ms") > 0)
    text += " (in " + std::to_string(json_count(*phase, "duration_ms")) + " ms)";
  return text;
}

void add_cache(Html& html, const Answers& answers) {
  const json::value* const cache = part_of(answers.storage, "cache");
  const std::string path = cache == nullptr ? "" : json_text(*cache, "path");
  if (path.empty()) {
    html.markup("<p>The profile wants no cache.</p>\n");
    return;
  }
  const std::string total = size_text(*cache, "total_bytes");
  const std::string write = milliseconds_in(*cache, "write_microseconds");
  const json::value* const report = part_of(answers.storage, "report");
  Pairs pairs{
      {"Cache", path + (json_text(*cache, "kind") == "directory" ? ", a directory that was there" : "")},
      {"File system",
       total.empty() ? "not there" : size_text(*cache, "available_bytes") + " free of " + total},
      {"Trial write", write.empty() ? "not seen" : write + " with sync, read back and compared"}};
  if (report != nullptr && report->is_object() && !why_unknown(report)) {
    pairs.emplace_back("Drives were found as", json_text(*report, "verdict"));
    pairs.emplace_back("Array and file system", phase_text(json_field(*report, "boot")));
    pairs.emplace_back("Directories", phase_text(json_field(*report, "cache")));
    pairs.emplace_back("Device", json_text(*report, "device"));
    pairs.emplace_back("UUID of the array", json_text(*report, "array_uuid"));
    pairs.emplace_back("UUID of the file system", json_text(*report, "filesystem_uuid"));
    pairs.emplace_back("Generation", json_text(*report, "generation"));
  } else {
    pairs.emplace_back("Provisioning", "not seen");
  }
  add_pairs(html, pairs);
}

void add_arrays(Html& html, const Answers& answers) {
  const json::value* const arrays = inside(part_of(answers.facts, "facts"), {"arrays"});
  if (arrays == nullptr || !arrays->is_array() || arrays->get_array().empty()) return;
  std::vector<Row> rows;
  for (const json::value& array : arrays->get_array()) {
    std::string members;
    for (const json::value& member : json_list(array, "members")) {
      if (!member.is_string()) continue;
      members += (members.empty() ? "" : " ") + std::string(member.get_string());
    }
    rows.push_back({Cell(json_text(array, "name")), Cell(json_text(array, "level")),
                    Cell(json_text(array, "state")), Cell(number_in(&array, "raid_disks", "")),
                    Cell(size_text(array, "size_bytes")), Cell(std::move(members))});
  }
  html.markup("<h3>Arrays</h3>\n");
  add_table(html,
            {{"array", Kind::code},
             {"level"},
             {"state"},
             {"drives", Kind::number},
             {"size", Kind::number},
             {"members", Kind::code}},
            rows);
}

std::string role_of(const json::value& drive, const json::value* reported) {
  if (reported != nullptr && !json_text(*reported, "role").empty()) return json_text(*reported, "role");
  for (const std::string_view key : {"in_use", "holders"}) {
    const json::array& list = json_list(drive, key);
    if (!list.empty() && list.front().is_string()) return std::string(list.front().get_string());
  }
  return {};
}

void add_drives(Html& html, const Answers& answers) {
  const json::value* const drives = inside(part_of(answers.facts, "facts"), {"drives"});
  html.markup("<h3>Drives</h3>\n");
  if (drives == nullptr || !drives->is_array()) {
    html.markup("<p>The drives were not seen.</p>\n");
    return;
  }
  const json::value* const reported = inside(part_of(answers.storage, "report"), {"drives"});
  const json::value* const trials = inside(part_of(answers.storage, "collected"), {"drives", "drives"});
  std::vector<Row> rows;
  for (const json::value& drive : drives->get_array()) {
    const std::string serial = json_text(drive, "serial");
    const json::value* const trial = find_by(trials, "serial", serial);
    const json::value* const smart = inside(trial, {"smart"});
    rows.push_back({Cell(json_text(drive, "name")), Cell(json_text(drive, "model")), Cell(serial),
                    Cell(size_text(drive, "size_bytes")),
                    Cell(role_of(drive, find_by(reported, "serial", serial))), Cell(temperature_in(smart)),
                    Cell(number_in(smart, "used_percent", " %")), Cell(number_in(smart, "media_errors", "")),
                    Cell(number_in(inside(trial, {"reads"}), "median_microseconds", " \xC2\xB5s"))});
  }
  if (rows.empty()) {
    html.markup("<p>There are none.</p>\n");
    return;
  }
  add_table(html,
            {{"drive", Kind::code},
             {"model"},
             {"serial", Kind::code},
             {"size", Kind::number},
             {"use"},
             {"temperature", Kind::number},
             {"worn", Kind::number},
             {"errors", Kind::number},
             {"a read", Kind::number}},
            rows);
  if (trials == nullptr)
    html.markup("<p class=\"note\">Temperature, wear, errors and read times were not collected.</p>\n");
}

std::string growth_text(const json::value& directory) {
  const json::value* const field = json_field(directory, "bytes_per_hour");
  if (field == nullptr || !field->is_number()) return {};
  boost::system::error_code err;
  const auto count = field->to_number<std::int64_t>(err);
  if (err) return {};
  const auto size = static_cast<std::uint64_t>(count < 0 ? -(count + 1) : count) + (count < 0 ? 1U : 0U);
  return (count < 0 ? "\xE2\x88\x92" : count > 0 ? "+" : "") + to_text(Bytes{size});
}

void add_directories(Html& html, const Answers& answers) {
  if (!answers.storage) return;
  std::vector<Row> rows;
  for (const json::value& directory : json_list(*answers.storage, "caches")) {
    const std::string used = size_text(directory, "used_bytes");
    const std::uint64_t reserve = json_count(directory, "reserve_bytes");
    rows.push_back({Cell(json_text(directory, "name")), Cell(used.empty() ? "not measured" : used),
                    Cell(growth_text(directory)), Cell(reserve == 0 ? "" : to_text(Bytes{reserve}))});
  }
  if (rows.empty()) return;
  html.markup("<h3>Directories of the cache</h3>\n");
  add_table(html,
            {{"directory", Kind::code},
             {"used", Kind::number},
             {"change an hour", Kind::number},
             {"kept free for it", Kind::number}},
            rows);
}

}  // namespace

void add_storage(Html& html, const Answers& answers) {
  html.markup("<section>\n<h2>Storage</h2>\n");
  if (answers.storage) {
    add_cache(html, answers);
  } else {
    html.markup("<p>The cache was not seen.</p>\n");
  }
  add_arrays(html, answers);
  add_drives(html, answers);
  add_directories(html, answers);
  html.markup("</section>\n");
}

}  // namespace fettle::cli
