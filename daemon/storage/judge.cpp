#include "storage/judge.h"

#include "base/names.h"
#include "base/text.h"

namespace fettle::storage {
namespace {

Judgement judge_array_member(const system::Signature& signature, const Record* record) {
  if (record != nullptr && !record->array_uuid.empty() && signature.uuid == record->array_uuid) {
    return {Role::ours, {}, signature.uuid};
  }
  if (signature.label == array_label())
    return {Role::kin, "member of a fettle array not on record", signature.uuid};
  return {Role::foreign, "member of the array '" + signature.label + "' (" + signature.uuid + ")", {}};
}

Judgement judge_filesystem(const system::Signature& signature, const Record* record, unsigned wanted_count) {
  if (record != nullptr && record->drives.size() == 1 && signature.uuid == record->filesystem_uuid) {
    return {Role::ours, {}, signature.uuid};
  }
  if (wanted_count == 1 && signature.label == names::filesystem_label) {
    return {Role::kin, "a fettle filesystem not on record", signature.uuid};
  }
  return {Role::foreign, signature.label.empty() ? "xfs" : "xfs '" + signature.label + "'", {}};
}

Judgement judge_bare(const SeenDrive& seen) {
  if (!seen.drive.holders.empty()) return {Role::busy, "held by " + seen.drive.holders.front(), {}};
  if (!seen.drive.in_use.empty()) return {Role::busy, seen.drive.in_use.front(), {}};
  if (!seen.free) {
    const Why why = seen.free.error().why;
    return {why == Why::refused || why == Why::timed_out ? Role::busy : Role::unreadable,
            seen.free.error().said,
            {}};
  }
  if (!seen.blank) return {Role::unreadable, seen.blank.error().said, {}};
  if (!*seen.blank) return {Role::foreign, "data without a signature", {}};
  return {Role::blank, {}, {}};
}

}  // namespace

std::string_view to_text(Role role) {
  switch (role) {
    case Role::ours:
      return "ours";
    case Role::kin:
      return "kin";
    case Role::blank:
      return "blank";
    case Role::foreign:
      return "foreign";
    case Role::unreadable:
      return "unreadable";
    case Role::busy:
      return "busy";
    case Role::missing:
      return "missing";
    case Role::system:
      return "system";
    case Role::unwanted:
      return "unwanted";
  }
  return "unreadable";
}

Judgement judge(const SeenDrive& seen, const Sight& sight, unsigned wanted_count) {
  const Record* const record = sight.record_is_ours ? &*sight.record : nullptr;
  if (!seen.signature) {
    const Error& error = seen.signature.error();
    return {error.why == Why::malformed ? Role::foreign : Role::unreadable, error.said, {}};
  }
  const system::Signature& signature = *seen.signature;
  if (seen.drive.serial.empty()) return {Role::foreign, "it has no serial number to know it by", {}};
  if (!seen.drive.partitions.empty()) {
    return {Role::foreign,
            (signature.type.empty() ? "a partition table" : signature.type) + " with " +
                count_of(seen.drive.partitions.size(), "partition"),
            {}};
  }
  if (signature.type.empty()) return judge_bare(seen);
  if (signature.type == "linux_raid_member") return judge_array_member(signature, record);
  if (signature.type == "xfs") return judge_filesystem(signature, record, wanted_count);
  return {Role::foreign,
          signature.label.empty() ? signature.type : signature.type + " '" + signature.label + "'",
          {}};
}

}  // namespace fettle::storage
