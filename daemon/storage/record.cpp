#include "storage/record.h"

#include <algorithm>

#include "base/json.h"
#include "base/names.h"
#include "system/random.h"

namespace fettle::storage {
namespace {

constexpr std::uint64_t format = 1;
constexpr std::size_t most_drives = 256;

Error malformed(const std::string& what) {
  return {Why::malformed,
          "cannot use the storage record '" + std::string(names::storage_record) + "': " + what,
          "it gives no rights; `fettle storage show` tells what is on the drives"};
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

std::string previous() {
  return std::string(names::storage_record) + ".previous";
}

}  // namespace

Result<Fresh> choose_names() {
  const auto array = system::random_uuid();
  const auto filesystem = system::random_uuid();
  const auto generation = system::random_uuid();
  if (!array) return fail(array.error());
  if (!filesystem) return fail(filesystem.error());
  if (!generation) return fail(generation.error());
  return Fresh{*array, *filesystem, *generation};
}

std::string to_text(Progress progress) {
  if (progress == Progress::release) return "release";
  return progress == Progress::done ? "done" : "intent";
}

std::string to_json(const Record& record) {
  boost::json::array drives;
  for (const RecordedDrive& drive : record.drives) {
    drives.push_back(
        {{"serial", drive.serial}, {"wwid", drive.wwid}, {"nsid", drive.nsid}, {"size", drive.size.count}});
  }
  return pretty_json({{"format", format},
                      {"state", to_text(record.progress)},
                      {"generation", record.generation},
                      {"machine_id", record.machine_id},
                      {"product_uuid", record.product_uuid},
                      {"array_uuid", record.array_uuid},
                      {"filesystem_uuid", record.filesystem_uuid},
                      {"drives", drives}});
}

Result<Record> parse_record(std::string_view text) {
  const auto json = parse_json(text, "the storage record");
  if (!json) return fail(malformed(json.error().said));
  if (json_count(*json, "format") != format) {
    return fail(malformed("its format is not " + std::to_string(format) + ", which this version writes"));
  }
  Record record;
  const std::string state = json_text(*json, "state");
  if (state != "intent" && state != "done" && state != "release")
    return fail(malformed("its state is '" + state + "'"));
  record.progress = state == "done"     ? Progress::done
                    : state == "intent" ? Progress::intent
                                        : Progress::release;
  record.generation = json_text(*json, "generation");
  record.machine_id = json_text(*json, "machine_id");
  record.product_uuid = json_text(*json, "product_uuid");
  record.array_uuid = json_text(*json, "array_uuid");
  record.filesystem_uuid = json_text(*json, "filesystem_uuid");
  if (record.machine_id.empty()) return fail(malformed("it names no machine"));
  const bool is_release = record.progress == Progress::release;
  if (!is_uuid(record.filesystem_uuid) && !(is_release && record.filesystem_uuid.empty()))
    return fail(malformed("filesystem_uuid is no UUID"));
  if (!record.generation.empty() && !is_uuid(record.generation))
    return fail(malformed("generation is no UUID"));
  const auto* const drives = json_field(*json, "drives");
  const auto* const list = drives == nullptr ? nullptr : drives->if_array();
  if (list == nullptr || list->empty() || list->size() > most_drives)
    return fail(malformed("it names no drives"));
  for (const auto& item : *list) {
    RecordedDrive drive{json_text(item, "serial"),
                        json_text(item, "wwid"),
                        json_text(item, "nsid"),
                        {json_count(item, "size")}};
    if (drive.serial.empty()) return fail(malformed("it names a drive without serial"));
    record.drives.push_back(std::move(drive));
  }
  if (is_release) {
    if (!is_uuid(record.array_uuid.empty() ? record.filesystem_uuid : record.array_uuid))
      return fail(malformed("it has no UUID of what is to be taken apart"));
    return record;
  }
  if (record.drives.size() == 1 ? !record.array_uuid.empty() : !is_uuid(record.array_uuid)) {
    return fail(malformed("array_uuid does not fit the number of drives"));
  }
  return record;
}

Result<Record> read_record(const system::Files& files) {
  const auto info = files.look(names::storage_record);
  if (!info) return fail(info.error());
  if (info->kind != system::Kind::file) return fail(malformed("it is not a regular file"));
  if ((info->mode & 022U) != 0) return fail(malformed("others than its owner may write it"));
  if (files.is_the_machine() && info->uid != 0) return fail(malformed("it is not root's"));
  const auto text = files.read(names::storage_record, 256_KiB);
  if (!text) return fail(text.error());
  return parse_record(*text);
}

Result<Outcome> write_record(const system::Files& files, const Record& record) {
  return files.write(names::storage_record, to_json(record), 0600);
}

Result<Outcome> set_record_aside(const system::Files& files) {
  const auto text = files.read(names::storage_record, 256_KiB);
  if (!text && text.error().why == Why::missing) return Outcome::already_so;
  if (!text) return fail(text.error());
  return files.write(previous(), *text, 0600);
}

bool belongs_to(const Record& record, const facts::Identity& identity) {
  if (identity.machine_id.empty() || record.machine_id != identity.machine_id) return false;
  return record.product_uuid.empty() || identity.product_uuid.empty() ||
         record.product_uuid == identity.product_uuid;
}

}  // namespace fettle::storage
