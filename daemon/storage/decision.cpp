#include "storage/decision.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "base/text.h"
#include "base/yaml_text.h"
#include "storage/steps.h"

namespace fettle::storage {
namespace {

// A model as a pattern of the profile that fits it alone: what fnmatch(3) would take for more is escaped, and
// what is not printable is left to "any character".
std::string pattern_of(const std::string& model) {
  std::string pattern;
  for (const char c : model) {
    if (c < ' ' || c > '~') {
      pattern += '?';
      continue;
    }
    if (c == '*' || c == '?' || c == '[' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

// "8 of model "X"; `models: ["X"]` and `count: 8` would take them": of several models the most numerous.
std::string advice_on_others(const std::vector<facts::Drive>& others) {
  std::map<std::string, std::size_t> counts;
  for (const facts::Drive& drive : others) ++counts[yaml_text(pattern_of(drive.model))];
  std::string found;
  for (const auto& [model, count] : counts)
    found += (found.empty() ? "" : ", ") + std::to_string(count) + " of model " + model;
  const auto most = std::max_element(counts.begin(), counts.end(), [](const auto& one, const auto& other) {
    return one.second < other.second;
  });
  return "no drive here is of the models that the profile names. Blank, local and unused are " + found +
         ": below `cache: drives:` of the profile `models: [" + most->first +
         "]` and `count: " + std::to_string(most->second) + "` would take them";
}

}  // namespace

Decision::Decision(const Sight& sight, const profile::Cache& cache, const Fresh& fresh, Verb verb)
    : sight_(sight), cache_(cache), fresh_(fresh), verb_(verb), wanted_(cache.drives->count) {
  if (sight.record_is_ours) record_ = &*sight.record;
  for (const SeenDrive& seen : sight.drives) {
    Judgement judgement = judge(seen, sight, wanted_);
    plan_.drives.push_back({seen.drive, judgement.role, judgement.why});
    if (judgement.role == Role::kin) kin_uuids_.insert(judgement.uuid);
    add(judgement.role, seen.drive);
  }
  add_missing();
  for (const LeftOut& left : sight.left_out) plan_.drives.push_back({left.drive, Role::system, left.why});
  for (const facts::Drive& drive : sight.unwanted)
    plan_.drives.push_back({drive, Role::unwanted, "the profile does not want drives of its model"});
  add_warnings();
}

Plan Decision::decide() && {
  if (const std::string twice = serial_seen_twice(); !twice.empty()) {
    refuse(Verdict::foreign, "two drives have the serial number " + twice,
           "without a name of its own a drive cannot be told from others after a reboot");
  } else if (verb_ == Verb::release) {
    decide_release();
  } else if (verb_ == Verb::recreate) {
    decide_recreate(Verdict::unknown);
  } else if (is_releasing()) {
    decide_releasing();
  } else if (record_ != nullptr && !ours_.empty() && missing_.empty() &&
             ours_.size() == record_->drives.size()) {
    decide_whole();
  } else if (!bad_.empty()) {
    refuse_bad();
  } else if (may_resume()) {
    decide_resume();
  } else if (!ours_.empty()) {
    refuse_part_of_ours();
  } else if (!kin_.empty()) {
    decide_kin();
  } else {
    decide_blank();
  }
  if (sight_.wrong_place && verb_ != Verb::release && !plan_.refusal)
    refuse(plan_.verdict, plan_.says + ", but " + sight_.wrong_place->said, sight_.wrong_place->hint);
  return std::move(plan_);
}

void Decision::add(Role role, const facts::Drive& drive) {
  if (role == Role::ours) {
    ours_.push_back(drive);
  } else if (role == Role::kin) {
    kin_.push_back(drive);
  } else if (role == Role::blank) {
    blank_.push_back(drive);
  } else {
    bad_.push_back(drive);
  }
}

void Decision::add_missing() {
  if (record_ == nullptr) return;
  for (const RecordedDrive& recorded : record_->drives) {
    if (is_here(recorded)) continue;
    facts::Drive drive;
    drive.serial = recorded.serial;
    drive.wwid = recorded.wwid;
    drive.nsid = recorded.nsid;
    drive.size = recorded.size;
    missing_.push_back(recorded.serial);
    // After deallocation all drives are new ones: then those of the record are history, not missing.
    if (!ours_.empty()) plan_.drives.push_back({drive, Role::missing, "on record, but not in this machine"});
  }
}

bool Decision::is_here(const RecordedDrive& recorded) const {
  return std::any_of(sight_.drives.begin(), sight_.drives.end(),
                     [&](const SeenDrive& seen) { return is_same(recorded, seen.drive); });
}

void Decision::add_warnings() {
  if (!sight_.record && sight_.record.error().why == Why::malformed) {
    plan_.warnings.push_back(sight_.record.error().said + ", ignoring it");
  } else if (sight_.record && !sight_.record_is_ours) {
    plan_.warnings.emplace_back("the storage record is another machine's (a cloned image?), ignoring it");
  }
  std::set<unsigned> block_sizes;
  for (const SeenDrive& seen : sight_.drives) block_sizes.insert(seen.drive.block_size);
  if (block_sizes.size() > 1) {
    plan_.warnings.emplace_back(
        "the drives mix sectors of 512 and 4096 bytes: the array takes the larger one");
  }
}

std::string Decision::serial_seen_twice() const {
  std::set<std::string> serials;
  for (const SeenDrive& seen : sight_.drives) {
    if (!serials.insert(seen.drive.serial).second) return seen.drive.serial;
  }
  return {};
}

void Decision::refuse(Verdict verdict, std::string says, std::string hint) {
  plan_.verdict = verdict;
  plan_.says = says;
  plan_.steps.clear();
  plan_.refusal = Error{Why::refused, "cannot provision the cache: " + std::move(says), std::move(hint)};
}

std::string Decision::dead_drives() const {
  if (record_ == nullptr || record_->progress != Progress::done || ours_.empty()) return {};
  std::string says;
  for (const PlannedDrive& planned : plan_.drives) {
    if (planned.role == Role::foreign || planned.role == Role::busy) return {};
    if (planned.role != Role::unreadable) continue;
    const auto& recorded = record_->drives;
    if (std::none_of(recorded.begin(), recorded.end(),
                     [&](const RecordedDrive& drive) { return is_same(drive, planned.drive); }))
      return {};
    says += (says.empty() ? "" : "; ") + to_text(planned.drive) + ": " + planned.why;
  }
  return says;
}

void Decision::refuse_bad() {
  if (const std::string dead = dead_drives(); !dead.empty()) {
    return refuse(Verdict::dead, "a drive of the cache does not answer: " + dead,
                  "nothing was written. What the cache held is lost unless the drive recovers: power the "
                  "machine off and on, then have the drive replaced; `fettle storage recreate` makes a new "
                  "cache of what is there then");
  }
  std::string says;
  for (const PlannedDrive& planned : plan_.drives) {
    if (planned.role != Role::foreign && planned.role != Role::busy && planned.role != Role::unreadable)
      continue;
    says += (says.empty() ? "" : "; ") + to_text(planned.drive) + ": " + planned.why;
  }
  refuse(Verdict::foreign, says,
         "nothing was written. Take the drive out of the profile, or free and empty it yourself "
         "(`mdadm --stop` on an array of others, `blkdiscard /dev/NAME` loses all that is on the drive)");
}

void Decision::decide_blank() {
  if (blank_.size() != wanted_) return refuse_count(blank_.size());
  plan_.verdict = Verdict::all_blank;
  plan_.says = "all " + count_of(blank_.size(), "drive") + " are blank";
  plan_.members = blank_;
  if (verb_ == Verb::provision && cache_.drives->on_all_blank == profile::OnAllBlank::report) {
    return refuse(Verdict::all_blank, plan_.says + ", and the profile says `on_all_blank: report`",
                  "`fettle storage apply` shows what would be made of them, and makes it");
  }
  if (!sight_.identity) return refuse_identity();
  fill_record(wanted_ > 1 ? fresh_.array_uuid : std::string(), fresh_.filesystem_uuid, fresh_.generation);
  if (!may_write()) return;
  plan_.steps.push_back(step_write(Act::write_intent));
  add_creation();
}

void Decision::add_creation() {
  if (plan_.members.size() > 1) {
    plan_.steps.push_back(step_create(plan_.members, plan_.record.array_uuid));
    plan_.steps.push_back(step_find());
  } else {
    plan_.device = "/dev/" + plan_.members.front().name;
  }
  plan_.steps.push_back(step_make_filesystem(plan_.members, plan_.record.filesystem_uuid));
  plan_.steps.push_back(step_check());
  plan_.steps.push_back(step_write(Act::write_done));
  plan_.steps.push_back(step_link());
  plan_.record.progress = Progress::done;
}

void Decision::fill_record(std::string array_uuid, std::string filesystem_uuid, std::string generation) {
  plan_.record.generation = std::move(generation);
  plan_.record.machine_id = sight_.identity->machine_id;
  plan_.record.product_uuid = sight_.identity->product_uuid;
  plan_.record.array_uuid = std::move(array_uuid);
  plan_.record.filesystem_uuid = std::move(filesystem_uuid);
  for (const facts::Drive& drive : plan_.members) {
    plan_.record.drives.push_back({drive.serial, drive.wwid, drive.nsid, drive.size});
  }
}

bool Decision::may_write() {
  const Verdict verdict = plan_.verdict;
  if (!sight_.blocks.empty()) {
    refuse(verdict, plan_.says + ", but " + sight_.blocks.front(),
           "then run `fettle provision --boot` again");
    return false;
  }
  if (!sight_.cache_mounts.empty()) {
    refuse(
        verdict,
        plan_.says + ", but '" + sight_.cache_mounts.front().what + "' is mounted on '" + cache_.path + "'",
        "unmount it, or use it as it is with `cache: {path: " + cache_.path + "}` without drives");
    return false;
  }
  const auto size_of = [](const facts::Drive& drive) { return drive.size; };
  std::set<Bytes> sizes;
  std::transform(plan_.members.begin(), plan_.members.end(), std::inserter(sizes, sizes.end()), size_of);
  if (sizes.size() > 1) {
    refuse(verdict,
           plan_.says + ", but of unequal size (" + to_text(*sizes.begin()) + " to " +
               to_text(*sizes.rbegin()) + ")",
           "RAID-0 over unequal drives is fast in front and slow behind: name the models more closely in "
           "the profile");
    return false;
  }
  return true;
}

void Decision::refuse_count(std::size_t found) {
  if (!sight_.blank_others.empty()) {
    return refuse(Verdict::incomplete, "0 of " + count_of(wanted_, "drive") + " found",
                  advice_on_others(sight_.blank_others));
  }
  refuse(Verdict::incomplete,
         std::to_string(found) + " of " + count_of(wanted_, "drive") + " found" +
             (found > wanted_ ? ": more than the profile wants" : ""),
         found > wanted_
             ? "name the models more closely in the profile, or correct the count"
             : "look for the others with `nvme list` and `dmesg`, or correct the count in the profile");
}

void Decision::refuse_identity() {
  refuse(plan_.verdict == Verdict::unknown ? Verdict::os_reimaged : plan_.verdict,
         sight_.identity.error().said, sight_.identity.error().hint);
}

}  // namespace fettle::storage
