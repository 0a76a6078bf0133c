// The plan: what is on the drives that the profile wants, as one verdict, and the steps that lead from there
// to a cache. Deciding is pure: it reads nothing and writes nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "facts/facts.h"
#include "profile/profile.h"
#include "storage/judge.h"
#include "storage/look.h"
#include "storage/record.h"
#include "system/runner.h"

namespace fettle::storage {

// What has become of the cache since the last boot, in one word. Only same, all_blank, os_reimaged and resume
// lead to steps by themselves, some_replaced and releasing when the profile says so
// (`on_partial_loss: rebuild`). All else is left exactly as it is.
enum class Verdict {
  none,           // the profile wants no cache, or no drives for it
  directory,      // the cache is a directory that somebody else mounted
  same,           // our array or filesystem, whole
  all_blank,      // as many blank drives as wanted: new ones, or the cloud deallocated the machine
  os_reimaged,    // a whole cache of fettle's and no record of it: it is adopted, data kept
  resume,         // a run of ours was cut off: every drive is blank or carries exactly what that run chose
  incomplete,     // too few or too many drives, or our array lacks a member: they may still arrive
  some_replaced,  // some drives are ours and some are blank: what the array held is lost
  dead,           // every drive of ours is here, and one of them, or the array, does not work any more
  releasing,      // an operator's release was cut off: every drive is blank or carries what it takes away
  foreign,        // a drive holds something that is not ours, is in use, or could not be read
  unknown,        // the machine itself could not be looked at
};

std::string_view to_text(Verdict verdict);

struct PlannedDrive {
  facts::Drive drive;
  Role role = Role::foreign;
  std::string why;  // "xfs 'data'", "mounted on /"; empty when the role says it all
};

// What apply() does for a step; the order is that of the plan.
enum class Act {
  write_intent,      // the record, before the first byte
  clear_unfinished,  // take off the superblocks that a cut-off create of ours left on some drives
  create_array,
  assemble_array,
  find_array,        // which md device it is, by its members; and that it is the one we chose
  make_filesystem,   // nothing to do when it is there already
  check_filesystem,  // is it the recorded one (os_reimaged: one of fettle's), and whole
  write_done,
  set_link,
  write_release,  // the record of what is taken apart, before the first byte
  stop_array,     // the one with exactly the UUID and only the drives that are to be emptied
  erase_drives,   // those that carry that UUID, one after the other
  forget,         // set the record aside, take the link away
};

struct Step {
  Act act = Act::set_link;
  std::string says;                   // for people: "create the RAID-0 array of 8 drives"
  std::vector<std::string> destroys;  // serials of the drives that it writes to
  system::Command command;  // empty for what we do ourselves; the array's device is added when it is known
};

struct Plan {
  Verdict verdict = Verdict::unknown;
  std::string says;              // one sentence: what was found
  std::optional<Error> refusal;  // why nothing is done although a cache is wanted
  std::vector<std::string> warnings;
  std::vector<PlannedDrive> drives;   // all of the machine, and the missing ones
  std::optional<Rivals> rivals;       // what else uses them; nothing when nobody looked
  std::vector<Step> steps;            // empty when all is as wanted
  std::optional<Record> old;          // the cache that is taken apart: with erase_drives only
  std::vector<facts::Drive> emptied;  // the drives that carry it
  std::vector<facts::Drive> members;  // the drives of the cache, in the order of their serials
  std::string device;                 // "/dev/md127" once it is known
  Record record;                      // as it is to be when the steps are done
};

// What is asked for. Only the first is ever asked by a unit; the others are an operator's, by hand.
enum class Verb {
  provision,  // as the profile's policies allow
  apply,      // the same, and policies that say "report" do not hold it back
  recreate,   // empty the drives of our cache, whatever is left of it, and make a new one of them and blank
              // ones
  release,    // empty the drives of our cache and make nothing
};

std::string_view to_text(Verb verb);

Plan plan(const Sight& sight, const profile::Profile& profile, const Fresh& fresh,
          Verb verb = Verb::provision);

// Nothing is wrong: the cache is there, or the steps lead to it, or none is wanted.
bool is_good(const Plan& plan);

}  // namespace fettle::storage
