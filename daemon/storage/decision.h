// The decision: all drives together, one verdict. Pure; plan() is its only caller.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "storage/plan.h"

namespace fettle::storage {

class Decision {
 public:
  Decision(const Sight& sight, const profile::Cache& cache, const Fresh& fresh, Verb verb);
  Plan decide() &&;

 private:
  void add(Role role, const facts::Drive& drive);
  // The drives on record that are not in the machine.
  void add_missing();
  bool is_here(const RecordedDrive& recorded) const;
  void add_warnings();
  std::string serial_seen_twice() const;
  void refuse(Verdict verdict, std::string says, std::string hint);
  void refuse_bad();
  // "SN0004 (nvme3n1): cannot read ..." when all that is wrong is that drives of our cache cannot be read.
  std::string dead_drives() const;

  // Ours.
  // The array made of exactly these drives, or null.
  const SeenArray* array_of(const std::vector<facts::Drive>& drives) const;
  // Some array has some of these drives.
  bool are_held(const std::vector<facts::Drive>& drives) const;
  // The drives are held by an array that does not run.
  bool is_stuck(const std::vector<facts::Drive>& drives) const;
  // False, with the refusal in place, when the array of these drives is neither running nor free to be
  // assembled. `array` stays null when there is none yet.
  bool find_running(const std::vector<facts::Drive>& drives, const SeenArray*& array);
  // Something else on the mount point, or our array mounted elsewhere only.
  bool mounts_are_right(const std::string& device_number, const std::vector<std::string>& mounted_on);
  void decide_whole();
  // A running array of ours holds the recorded filesystem; one whose making was cut off may hold none yet.
  bool content_is_right(const SeenArray& array);

  // What a cut-off run left.
  // The intent names exactly the drives that are here, and each is blank or carries its UUID.
  bool may_resume() const;
  void decide_resume();
  void refuse_part_of_ours();

  // Fettle's, but not on record.
  void decide_kin();

  // To be taken apart, because an operator asks for it or the profile allows it.
  bool is_releasing() const;
  void decide_releasing();
  void decide_release();
  void decide_recreate(Verdict verdict);
  // Drives of ours beside blank ones: what the cache held is lost.
  void decide_some_replaced(std::string says);
  // Which cache and which drives; false, with the refusal in place, when that is not clear or somebody uses
  // it.
  bool find_old(Verdict verdict);
  void add_taking_apart();

  // Blank.
  void decide_blank();
  void add_creation();
  void fill_record(std::string array_uuid, std::string filesystem_uuid, std::string generation);
  // The conditions for writing to drives at all. The verdict stays, the refusal says what is in the way.
  bool may_write();
  void refuse_count(std::size_t found);
  void refuse_identity();

  const Sight& sight_;
  const profile::Cache& cache_;
  const Fresh& fresh_;
  Verb verb_;
  unsigned wanted_;
  const Record* record_ = nullptr;
  Plan plan_;
  std::vector<facts::Drive> ours_;
  std::vector<facts::Drive> kin_;
  std::vector<facts::Drive> blank_;
  std::vector<facts::Drive> bad_;
  std::vector<std::string> missing_;
  std::set<std::string> kin_uuids_;
};

}  // namespace fettle::storage
