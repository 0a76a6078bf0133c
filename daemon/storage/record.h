// The record: what this machine provisioned, or was about to, kept in a file of root's across boots. It gives
// the right to go on with what was begun, and to none but this machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "facts/facts.h"
#include "system/files.h"

namespace fettle::storage {

// A drive by what stays the same over reboots and slots.
struct RecordedDrive {
  std::string serial;
  std::string wwid;
  std::string nsid;
  Bytes size;

  friend bool operator==(const RecordedDrive&, const RecordedDrive&) = default;
};

// `intent`: written before the first byte goes to a drive. `done`: after the filesystem was made and looked
// at. `release`: written before the first of these drives is emptied; then the record names only those, and
// what is not known of a cache without a record is empty.
enum class Progress { intent, done, release };

// The UUIDs are chosen by us before anything is made, so that every leftover of a killed run can be
// recognised.
struct Record {
  Progress progress = Progress::intent;
  std::string generation;  // of this cache; empty for an adopted one until its marker was read
  std::string machine_id;
  std::string product_uuid;     // empty when the machine has none
  std::string array_uuid;       // 8-4-4-4-12; empty with one drive, which has no array
  std::string filesystem_uuid;  // 8-4-4-4-12
  std::vector<RecordedDrive> drives;
};

// The names that a new cache gets. Fresh ones are chosen for each plan, so that deciding itself stays pure.
struct Fresh {
  std::string array_uuid;
  std::string filesystem_uuid;
  std::string generation;
};
Result<Fresh> choose_names();

std::string to_text(Progress progress);
std::string to_json(const Record& record);

// malformed when a field is missing or of another shape: half a record is none.
Result<Record> parse_record(std::string_view text);

// missing when there is none; malformed also when others than root could have written it.
Result<Record> read_record(const system::Files& files);

// Mode 0600, synced to disk before it returns.
Result<Outcome> write_record(const system::Files& files, const Record& record);

// Keeps what lies there under names::storage_record + ".previous", replacing an older one.
Result<Outcome> set_record_aside(const system::Files& files);

// False for the record of a cloned image: other machine id, or other product UUID when both are known.
bool belongs_to(const Record& record, const facts::Identity& identity);

}  // namespace fettle::storage
