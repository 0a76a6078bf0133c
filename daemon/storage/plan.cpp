#include "storage/plan.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "storage/steps.h"

namespace fettle::storage {
namespace {

using Serials = std::set<std::string>;

constexpr std::string_view where_to_look = "`fettle storage show` lists every drive with what is on it";

// Everything about the drives together that the decision needs.
class Decision {
 public:
  Decision(const Sight& sight, const profile::Cache& cache, const Fresh& fresh)
      : sight_(sight), cache_(cache), fresh_(fresh), wanted_(cache.drives->count) {
    if (sight.record_is_ours) record_ = &*sight.record;
    for (const SeenDrive& seen : sight.drives) {
      Judgement judgement = judge(seen, sight, wanted_);
      plan_.drives.push_back({seen.drive, judgement.role, judgement.why});
      if (judgement.role == Role::kin) kin_uuids_.insert(judgement.uuid);
      add(judgement.role, seen.drive);
    }
    add_missing();
    for (const LeftOut& left : sight.left_out) plan_.drives.push_back({left.drive, Role::system, left.why});
    add_warnings();
  }

  Plan decide() && {
    if (const std::string twice = serial_seen_twice(); !twice.empty()) {
      refuse(Verdict::foreign, "two drives have the serial number " + twice,
             "without a name of its own a drive cannot be told from others after a reboot");
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
    return std::move(plan_);
  }

 private:
  void add(Role role, const facts::Drive& drive) {
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

  // The drives on record that are not in the machine.
  void add_missing() {
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
      if (!ours_.empty())
        plan_.drives.push_back({drive, Role::missing, "on record, but not in this machine"});
    }
  }

  bool is_here(const RecordedDrive& recorded) const {
    return std::any_of(sight_.drives.begin(), sight_.drives.end(),
                       [&](const SeenDrive& seen) { return is_same(recorded, seen.drive); });
  }

  void add_warnings() {
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

  std::string serial_seen_twice() const {
    Serials serials;
    for (const SeenDrive& seen : sight_.drives) {
      if (!serials.insert(seen.drive.serial).second) return seen.drive.serial;
    }
    return {};
  }

  void refuse(Verdict verdict, std::string says, std::string hint) {
    plan_.verdict = verdict;
    plan_.says = says;
    plan_.steps.clear();
    plan_.refusal = Error{Why::refused, "cannot provision the cache: " + std::move(says), std::move(hint)};
  }

  void refuse_bad() {
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

  // --- ours ---

  // The array made of exactly these drives, or null.
  const SeenArray* array_of(const std::vector<facts::Drive>& drives) const {
    std::set<std::string> names;
    for (const facts::Drive& drive : drives) names.insert(drive.name);
    for (const SeenArray& seen : sight_.arrays) {
      if (std::set<std::string>(seen.array.members.begin(), seen.array.members.end()) == names) return &seen;
    }
    return nullptr;
  }

  // Some array has some of these drives.
  bool are_held(const std::vector<facts::Drive>& drives) const {
    return std::any_of(drives.begin(), drives.end(),
                       [](const facts::Drive& drive) { return !drive.holders.empty(); });
  }

  // False, with the refusal in place, when the array of these drives is neither running nor free to be
  // assembled. `array` stays null when there is none yet.
  bool find_running(const std::vector<facts::Drive>& drives, const SeenArray*& array) {
    array = array_of(drives);
    if (array == nullptr && are_held(drives)) {
      refuse(Verdict::incomplete, "the drives of our array are held by another array with other members",
             std::string(where_to_look));
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

  // Something else on the mount point, or our array mounted elsewhere only.
  bool mounts_are_right(const std::string& device_number, const std::vector<std::string>& mounted_on) {
    for (const facts::Mount& mount : sight_.cache_mounts) {
      if (mount.device == device_number) continue;
      refuse(Verdict::foreign,
             "'" + mount.what + "' is mounted on '" + cache_.path + "' and is not the cache",
             "unmount it, or say `cache: {path: " + cache_.path + "}` without drives to use it as it is");
      return false;
    }
    if (!mounted_on.empty() &&
        std::find(mounted_on.begin(), mounted_on.end(), cache_.path) == mounted_on.end()) {
      refuse(Verdict::foreign,
             "the cache is mounted on '" + mounted_on.front() + "' instead of '" + cache_.path + "'",
             "unmount it there, or change the path in the profile");
      return false;
    }
    return true;
  }

  void decide_whole() {
    const bool is_begun = record_->progress == Progress::intent;
    plan_.verdict = is_begun ? Verdict::resume : Verdict::same;
    plan_.record = *record_;
    plan_.members = ours_;
    plan_.says = is_begun ? "provisioning of " + count_of(ours_.size(), "drive") + " was cut off and goes on"
                          : "the cache of " + count_of(ours_.size(), "drive") + " is whole";
    for (const PlannedDrive& planned : plan_.drives) {
      if (planned.role == Role::ours || planned.role == Role::system) continue;
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
      const std::string number =
          std::to_string(gnu_dev_major(drive.node)) + ":" + std::to_string(gnu_dev_minor(drive.node));
      if (!mounts_are_right(number, {})) return;
    } else {
      const SeenArray* array = nullptr;
      if (!find_running(ours_, array)) return;
      if (array == nullptr) {
        plan_.steps.push_back(step_assemble(ours_, record_->array_uuid));
        plan_.steps.push_back(step_find());
      } else if (!mounts_are_right(array->device_number, array->mounted_on) ||
                 !content_is_right(*array, is_begun)) {
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

  // A running array of ours holds the recorded filesystem; one whose making was cut off may hold none yet.
  bool content_is_right(const SeenArray& array, bool is_begun) {
    if (!array.content) {
      refuse(Verdict::foreign,
             "the array " + array.array.name + " of the cache cannot be read: " + array.content.error().said,
             array.content.error().hint);
      return false;
    }
    const system::Signature& content = *array.content;
    if (content.type == "xfs" && content.uuid == record_->filesystem_uuid) return true;
    if (is_begun && content.type.empty()) return true;
    refuse(Verdict::foreign,
           "our array " + array.array.name + " holds " +
               (content.type.empty() ? "no filesystem" : content.type) +
               " instead of the filesystem on record",
           "nothing was written; `xfs_repair -n /dev/" + array.array.name +
               "` tells whether ours is only damaged");
    return false;
  }

  // --- what a cut-off run left ---

  // The intent names exactly the drives that are here, and each is blank or carries its UUID.
  bool may_resume() const {
    return record_ != nullptr && record_->progress == Progress::intent && missing_.empty() && kin_.empty() &&
           sight_.drives.size() == record_->drives.size() &&
           ours_.size() + blank_.size() == sight_.drives.size();
  }

  void decide_resume() {
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

  void refuse_part_of_ours() {
    const std::string has = std::to_string(ours_.size()) + " of " + count_of(record_->drives.size(), "drive");
    if (blank_.empty() && kin_.empty()) {
      std::string serials;
      for (const std::string& serial : missing_) serials += (serials.empty() ? "" : ", ") + serial;
      refuse(Verdict::incomplete, "our array has " + has + "; missing: " + serials,
             "nothing was written, the data is whole when they come back: look for them with `nvme list` and "
             "`dmesg`");
      return;
    }
    refuse(Verdict::partial, "only " + has + " of the cache are still ours: the others were replaced",
           "what the cache held is lost. When you are sure, empty the drives (`mdadm --stop` the array, "
           "`blkdiscard` "
           "each) and reboot: blank drives are made into a new cache");
  }

  // --- fettle's, but not on record ---

  void decide_kin() {
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
      return refuse(Verdict::partial,
                    "only " + std::to_string(kin_.size()) + " of " + count_of(sight_.drives.size(), "drive") +
                        " carry the fettle cache",
                    "what the cache held is lost unless the missing drives come back");
    }
    if (kin_.size() != wanted_) return refuse_count(kin_.size());
    if (!sight_.identity) return refuse_identity();
    plan_.verdict = Verdict::adopt;
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

  // --- blank ---

  void decide_blank() {
    if (blank_.size() != wanted_) return refuse_count(blank_.size());
    plan_.verdict = Verdict::all_blank;
    plan_.says = "all " + count_of(blank_.size(), "drive") + " are blank";
    plan_.members = blank_;
    if (!sight_.identity) return refuse_identity();
    fill_record(wanted_ > 1 ? fresh_.array_uuid : std::string(), fresh_.filesystem_uuid, fresh_.generation);
    if (!may_write()) return;
    plan_.steps.push_back(step_write(Act::write_intent));
    add_creation();
  }

  void add_creation() {
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

  void fill_record(std::string array_uuid, std::string filesystem_uuid, std::string generation) {
    plan_.record.generation = std::move(generation);
    plan_.record.machine_id = sight_.identity->machine_id;
    plan_.record.product_uuid = sight_.identity->product_uuid;
    plan_.record.array_uuid = std::move(array_uuid);
    plan_.record.filesystem_uuid = std::move(filesystem_uuid);
    for (const facts::Drive& drive : plan_.members) {
      plan_.record.drives.push_back({drive.serial, drive.wwid, drive.nsid, drive.size});
    }
  }

  // The conditions for writing to drives at all. The verdict stays, the refusal says what is in the way.
  bool may_write() {
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

  void refuse_count(std::size_t found) {
    refuse(Verdict::incomplete,
           std::to_string(found) + " of " + count_of(wanted_, "drive") + " found" +
               (found > wanted_ ? ": more than the profile wants" : ""),
           found > wanted_
               ? "name the models more closely in the profile, or correct the count"
               : "look for the others with `nvme list` and `dmesg`, or correct the count in the profile");
  }

  void refuse_identity() {
    refuse(plan_.verdict == Verdict::unknown ? Verdict::adopt : plan_.verdict, sight_.identity.error().said,
           sight_.identity.error().hint);
  }

  const Sight& sight_;
  const profile::Cache& cache_;
  const Fresh& fresh_;
  unsigned wanted_;
  const Record* record_ = nullptr;
  Plan plan_;
  std::vector<facts::Drive> ours_;
  std::vector<facts::Drive> kin_;
  std::vector<facts::Drive> blank_;
  std::vector<facts::Drive> bad_;
  std::vector<std::string> missing_;
  Serials kin_uuids_;
};

}  // namespace

std::string_view to_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::none:
      return "none";
    case Verdict::directory:
      return "directory";
    case Verdict::same:
      return "same";
    case Verdict::all_blank:
      return "all_blank";
    case Verdict::adopt:
      return "adopt";
    case Verdict::resume:
      return "resume";
    case Verdict::incomplete:
      return "incomplete";
    case Verdict::partial:
      return "partial";
    case Verdict::foreign:
      return "foreign";
    case Verdict::unknown:
      return "unknown";
  }
  return "unknown";
}

Plan plan(const Sight& sight, const profile::Profile& profile, const Fresh& fresh) {
  Plan nothing;
  if (!profile.cache) {
    nothing.verdict = Verdict::none;
    nothing.says = "the profile wants no cache";
    return nothing;
  }
  if (!profile.cache->drives) {
    nothing.verdict = Verdict::directory;
    nothing.says = "the cache is the directory '" + profile.cache->path + "'";
    return nothing;
  }
  if (profile.cache->drives->models.empty() || profile.cache->drives->count == 0) {
    nothing.verdict = Verdict::none;
    nothing.says = "the profile names no drives for the cache";
    nothing.refusal = Error{Why::refused, "cannot provision the cache: " + nothing.says,
                            "give `models` and `count` below `cache: drives:`"};
    return nothing;
  }
  if (sight.blind) {
    nothing.verdict = Verdict::unknown;
    nothing.says = sight.blind->said;
    nothing.refusal = while_doing("provision the cache", *sight.blind);
    if (nothing.refusal->hint.empty()) nothing.refusal->hint = "nothing was written; `dmesg` may tell why";
    return nothing;
  }
  return Decision(sight, *profile.cache, fresh).decide();
}

bool is_good(const Plan& plan) {
  return !plan.refusal;
}

}  // namespace fettle::storage
