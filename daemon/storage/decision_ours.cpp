// What the plan does with drives that are fettle's already: whole, cut off half way, in part, or of another
// time.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "base/unit_name.h"
#include "storage/decision.h"
#include "storage/steps.h"

namespace fettle::storage {
namespace {

constexpr std::string_view where_to_look = "`fettle storage show` lists every drive with what is on it";

}  // namespace

const SeenArray* Decision::array_of(const std::vector<facts::Drive>& drives) const {
  std::set<std::string> names;
  for (const facts::Drive& drive : drives) names.insert(drive.name);
  for (const SeenArray& seen : sight_.arrays) {
    if (std::set<std::string>(seen.array.members.begin(), seen.array.members.end()) == names) return &seen;
  }
  return nullptr;
}

bool Decision::are_held(const std::vector<facts::Drive>& drives) const {
  return std::any_of(drives.begin(), drives.end(),
                     [](const facts::Drive& drive) { return !drive.holders.empty(); });
}

bool Decision::is_stuck(const std::vector<facts::Drive>& drives) const {
  const SeenArray* const array = array_of(drives);
  return array == nullptr ? are_held(drives) : !is_running(array->array);
}

bool Decision::find_running(const std::vector<facts::Drive>& drives, const SeenArray*& array) {
  array = array_of(drives);
  if (array == nullptr && are_held(drives)) {
    refuse(Verdict::incomplete, "some drives of our array are held by an array that lacks the others",
           "udev may still be at work; otherwise a reboot assembles it anew");
    return false;
  }
  if (array != nullptr && array->array.state == "broken") {
    refuse(Verdict::dead,
           "our array " + array->array.name + " is broken: it lost a drive while it was in use",
           "what the cache holds is whole only if all drives come back: reboot, then look at `fettle storage "
           "show`; `dmesg` tells which drive it was");
    return false;
  }
  if (array != nullptr && !is_running(array->array)) {
    refuse(Verdict::incomplete, "our array " + array->array.name + " is " + array->array.state,
           "`mdadm --detail /dev/" + array->array.name + "` tells more; a reboot assembles it anew");
    return false;
  }
  if (array != nullptr) plan_.device = "/dev/" + array->array.name;
  return true;
}

bool Decision::mounts_are_right(const std::string& device_number,
                                const std::vector<std::string>& mounted_on) {
  for (const facts::Mount& mount : sight_.cache_mounts) {
    if (mount.device == device_number) continue;
    refuse(Verdict::foreign, "'" + mount.what + "' is mounted on '" + cache_.path + "' and is not the cache",
           "unmount it, or say `cache: {path: " + cache_.path + "}` without drives to use it as it is");
    return false;
  }
  if (!mounted_on.empty() &&
      std::find(mounted_on.begin(), mounted_on.end(), cache_.path) == mounted_on.end()) {
    refuse(Verdict::foreign,
           "the cache is mounted on '" + mounted_on.front() + "' instead of '" + cache_.path + "'",
           "the next boot mounts it there, with all that is on it. To move it now, stop what uses it, then "
           "`systemctl stop 'fettle-stage@*' fettle-cache.target " +
               mount_unit_of(mounted_on.front()) +
               "` and `fettle apply`. To leave it, change the path in the profile");
    return false;
  }
  return true;
}

void Decision::decide_whole() {
  const bool is_begun = record_->progress == Progress::intent;
  // mdadm writes all superblocks before it starts the array: killed in between, it leaves an array that will
  // never run and holds some of the drives. Nothing was ever mounted under an open intent, so it is made
  // anew.
  if (is_begun && sight_.drives.size() == ours_.size() && is_stuck(ours_)) return decide_resume();
  plan_.verdict = is_begun ? Verdict::resume : Verdict::same;
  plan_.record = *record_;
  plan_.members = ours_;
  plan_.says = is_begun ? "provisioning of " + count_of(ours_.size(), "drive") + " was cut off and goes on"
                        : "the cache of " + count_of(ours_.size(), "drive") + " is whole";
  for (const PlannedDrive& planned : plan_.drives) {
    if (planned.role == Role::ours || planned.role == Role::system || planned.role == Role::unwanted)
      continue;
    plan_.warnings.push_back(to_text(planned.drive) + " is not part of the cache (" +
                             std::string(to_text(planned.role)) + "), left alone");
  }
  if (ours_.size() != wanted_) {
    plan_.warnings.push_back("the profile wants " + count_of(wanted_, "drive") + ", the cache has " +
                             std::to_string(ours_.size()));
  }
  if (is_begun && !may_write()) return;
  if (ours_.size() == 1) {
    const facts::Drive& drive = ours_.front();
    plan_.device = "/dev/" + drive.name;
    const auto seen = std::find_if(sight_.drives.begin(), sight_.drives.end(),
                                   [&](const SeenDrive& each) { return each.drive.name == drive.name; });
    if (!mounts_are_right(device_number_of(drive), seen->mounted_on)) return;
  } else {
    const SeenArray* array = nullptr;
    if (!find_running(ours_, array)) return;
    if (array == nullptr) {
      plan_.steps.push_back(step_assemble(ours_, record_->array_uuid));
      plan_.steps.push_back(step_find());
    } else if (!mounts_are_right(array->device_number, array->mounted_on) || !content_is_right(*array)) {
      return;
    }
    if (is_begun && array != nullptr) plan_.steps.push_back(step_find());
  }
  if (is_begun) plan_.steps.push_back(step_make_filesystem(ours_, record_->filesystem_uuid));
  if (!plan_.steps.empty()) plan_.steps.push_back(step_check());
  if (is_begun) plan_.steps.push_back(step_write(Act::write_done));
  plan_.record.progress = Progress::done;
  if (plan_.steps.empty() && sight_.link == plan_.device) return;
  plan_.steps.push_back(step_link());
}

bool Decision::content_is_right(const SeenArray& array) {
  if (!array.content) {
    const bool is_foreign = array.content.error().why == Why::malformed;
    refuse(is_foreign ? Verdict::foreign : Verdict::dead,
           "the array " + array.array.name + " of the cache cannot be read: " + array.content.error().said,
           array.content.error().hint);
    return false;
  }
  const system::Signature& content = *array.content;
  if (content.type == "xfs" && content.uuid == record_->filesystem_uuid) return true;
  if (record_->progress == Progress::intent && content.type.empty()) return true;
  refuse(Verdict::foreign,
         "our array " + array.array.name + " holds " +
             (content.type.empty() ? "no filesystem" : content.type) + " instead of the filesystem on record",
         "nothing was written; `xfs_repair -n /dev/" + array.array.name +
             "` tells whether ours is only damaged");
  return false;
}

bool Decision::may_resume() const {
  return record_ != nullptr && record_->progress == Progress::intent && missing_.empty() && kin_.empty() &&
         sight_.drives.size() == record_->drives.size() &&
         ours_.size() + blank_.size() == sight_.drives.size();
}

void Decision::decide_resume() {
  plan_.verdict = Verdict::resume;
  plan_.says = "provisioning of " + count_of(sight_.drives.size(), "drive") + " was cut off and goes on";
  plan_.record = *record_;
  for (const SeenDrive& seen : sight_.drives) plan_.members.push_back(seen.drive);
  if (!may_write()) return;
  for (const SeenArray& seen : sight_.arrays) {
    // Only of ours, or nothing is stopped. udev assembles what it finds, also half an array.
    for (const std::string& member : seen.array.members) {
      if (std::any_of(ours_.begin(), ours_.end(), [&](const auto& drive) { return drive.name == member; }))
        continue;
      refuse(Verdict::foreign, "the array " + seen.array.name + " has other members than the cut-off run's",
             std::string(where_to_look));
      return;
    }
  }
  if (!ours_.empty()) plan_.steps.push_back(step_clear(ours_, record_->array_uuid));
  add_creation();
}

void Decision::refuse_part_of_ours() {
  const std::string has = std::to_string(ours_.size()) + " of " + count_of(record_->drives.size(), "drive");
  if (blank_.empty() && kin_.empty()) {
    std::string serials;
    for (const std::string& serial : missing_) serials += (serials.empty() ? "" : ", ") + serial;
    refuse(Verdict::incomplete, "our array has " + has + "; missing: " + serials,
           "nothing was written, the data is whole when they come back: look for them with `nvme list` and "
           "`dmesg`");
    return;
  }
  decide_some_replaced("only " + has + " of the cache are still ours: the others were replaced");
}

void Decision::decide_kin() {
  if (record_ != nullptr && record_->progress == Progress::intent) {
    return refuse(Verdict::foreign, "the drives carry another fettle cache than the one on record",
                  std::string(where_to_look));
  }
  if (kin_uuids_.size() > 1) {
    return refuse(Verdict::foreign,
                  "the drives belong to " + std::to_string(kin_uuids_.size()) + " different fettle caches",
                  std::string(where_to_look));
  }
  if (!blank_.empty()) {
    return decide_some_replaced("only " + std::to_string(kin_.size()) + " of " +
                                count_of(sight_.drives.size(), "drive") + " carry the fettle cache");
  }
  if (kin_.size() != wanted_) return refuse_count(kin_.size());
  if (verb_ == Verb::provision && cache_.drives->on_os_reimaged == profile::OnOsReimaged::report) {
    return refuse(Verdict::os_reimaged,
                  "a whole fettle cache of " + count_of(kin_.size(), "drive") +
                      " is here without a record, and the profile says `on_os_reimaged: report`",
                  "`fettle storage apply` takes it over with all that is on it");
  }
  if (!sight_.identity) return refuse_identity();
  plan_.verdict = Verdict::os_reimaged;
  plan_.says =
      "a whole fettle cache of " + count_of(kin_.size(), "drive") + " without a record: it is taken over";
  plan_.members = kin_;
  fill_record(wanted_ > 1 ? *kin_uuids_.begin() : std::string(), {}, {});
  if (wanted_ == 1) {
    plan_.record.filesystem_uuid = *kin_uuids_.begin();
    plan_.device = "/dev/" + kin_.front().name;
  } else {
    const SeenArray* array = nullptr;
    if (!find_running(kin_, array)) return;
    if (array == nullptr) plan_.steps.push_back(step_assemble(kin_, plan_.record.array_uuid));
    if (array != nullptr && !mounts_are_right(array->device_number, array->mounted_on)) return;
    plan_.steps.push_back(step_find());
  }
  plan_.steps.push_back(step_check());
  plan_.steps.push_back(step_write(Act::write_done));
  plan_.steps.push_back(step_link());
  plan_.record.progress = Progress::done;
}

}  // namespace fettle::storage
