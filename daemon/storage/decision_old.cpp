// What the plan does with a cache of ours that is to be taken apart: an operator asks for it, or the profile
// allows it after a part of the drives was replaced.
#include <algorithm>

#include "base/text.h"
#include "base/unit_name.h"
#include "storage/decision.h"
#include "storage/steps.h"

namespace fettle::storage {
namespace {

void sort_by_serial(std::vector<facts::Drive>& drives) {
  std::sort(drives.begin(), drives.end(),
            [](const facts::Drive& a, const facts::Drive& b) { return a.serial < b.serial; });
}

}  // namespace

bool Decision::is_releasing() const {
  return record_ != nullptr && record_->progress == Progress::release && !ours_.empty() && bad_.empty();
}

void Decision::decide_releasing() {
  if (cache_.drives->on_partial_loss == profile::OnPartialLoss::rebuild) {
    return decide_recreate(Verdict::releasing);
  }
  refuse(Verdict::releasing,
         "emptying the drives of the cache was cut off: " + std::to_string(ours_.size()) + " of " +
             count_of(record_->drives.size(), "drive") + " still carry its mark",
         "`fettle storage release` or `fettle storage recreate` shows what is left to do, and does it");
}

void Decision::decide_some_replaced(std::string says) {
  // Without a record nobody says that these drives were ever this machine's: that is for the operator.
  if (kin_.empty() && cache_.drives->on_partial_loss == profile::OnPartialLoss::rebuild) {
    return decide_recreate(Verdict::some_replaced);
  }
  refuse(Verdict::some_replaced, std::move(says),
         "what the cache held is lost unless the drives that are gone come back. `fettle storage recreate` "
         "shows how a new cache would be made of these");
}

bool Decision::find_old(Verdict verdict) {
  if ((!ours_.empty() && !kin_.empty()) || kin_uuids_.size() > 1) {
    refuse(Verdict::foreign, "the drives carry more than one fettle cache",
           "take those that do not belong here out of the machine, or empty them yourself: `fettle storage "
           "show` names them");
    return false;
  }
  plan_.emptied = ours_.empty() ? kin_ : ours_;
  sort_by_serial(plan_.emptied);
  if (plan_.emptied.empty()) return true;
  for (const SeenArray& seen : sight_.arrays) {
    const auto is_emptied = [&](const std::string& name) {
      return std::any_of(plan_.emptied.begin(), plan_.emptied.end(),
                         [&](const facts::Drive& drive) { return drive.name == name; });
    };
    if (!std::all_of(seen.array.members.begin(), seen.array.members.end(), is_emptied)) {
      refuse(Verdict::foreign, "the array " + seen.array.name + " has members that are not the cache's",
             "`mdadm --detail /dev/" + seen.array.name + "` names them");
      return false;
    }
  }
  for (const facts::Drive& drive : plan_.emptied) {
    if (drive.in_use.empty()) continue;
    refuse(verdict, "the cache is in use: " + drive.name + " is " + drive.in_use.front(),
           "stop what uses it, then `systemctl stop " + mount_unit_of(cache_.path) + "`");
    return false;
  }
  if (!sight_.identity) {
    refuse_identity();
    return false;
  }
  Record old;
  if (!ours_.empty()) old = *record_;
  if (ours_.empty()) {
    const bool is_array = wanted_ > 1;
    (is_array ? old.array_uuid : old.filesystem_uuid) = *kin_uuids_.begin();
    old.machine_id = sight_.identity->machine_id;
    old.product_uuid = sight_.identity->product_uuid;
  }
  old.progress = Progress::release;
  old.drives.clear();
  for (const facts::Drive& drive : plan_.emptied)
    old.drives.push_back({drive.serial, drive.wwid, drive.nsid, drive.size});
  plan_.old = std::move(old);
  return true;
}

void Decision::add_taking_apart() {
  plan_.steps.push_back(step_write_release());
  if (!sight_.arrays.empty()) plan_.steps.push_back(step_stop(plan_.old->array_uuid));
  plan_.steps.push_back(step_erase(plan_.emptied));
}

void Decision::decide_release() {
  if (!find_old(Verdict::unknown)) return;
  if (plan_.emptied.empty()) {
    plan_.says = "no drive here carries a cache of fettle's";
  } else {
    plan_.says = "the cache is taken apart: " + count_of(plan_.emptied.size(), "drive") + " become blank";
    add_taking_apart();
  }
  for (const std::string& serial : missing_) {
    plan_.warnings.push_back("the drive " + serial + " of the cache is not here: it keeps its part of it");
  }
  for (const PlannedDrive& planned : plan_.drives) {
    if (planned.role != Role::unreadable && planned.role != Role::busy && planned.role != Role::foreign)
      continue;
    plan_.warnings.push_back(to_text(planned.drive) + " is left alone: " + planned.why);
  }
  if (record_ != nullptr || !plan_.emptied.empty()) plan_.steps.push_back(step_forget());
}

void Decision::decide_recreate(Verdict verdict) {
  if (!bad_.empty()) return refuse_bad();
  if (!find_old(verdict)) return;
  if (plan_.emptied.empty()) return decide_blank();
  plan_.verdict = verdict;
  plan_.members = plan_.emptied;
  plan_.members.insert(plan_.members.end(), blank_.begin(), blank_.end());
  sort_by_serial(plan_.members);
  if (plan_.members.size() != wanted_) return refuse_count(plan_.members.size());
  plan_.says = "a new cache is made: " + count_of(plan_.emptied.size(), "drive") + " of the old one " +
               (plan_.emptied.size() == 1 ? "is" : "are") + " emptied for it" +
               (blank_.empty() ? "" : ", " + count_of(blank_.size(), "blank drive") + " joined in");
  fill_record(wanted_ > 1 ? fresh_.array_uuid : std::string(), fresh_.filesystem_uuid, fresh_.generation);
  if (!may_write()) return;
  add_taking_apart();
  plan_.steps.push_back(step_write(Act::write_intent));
  add_creation();
}

}  // namespace fettle::storage
