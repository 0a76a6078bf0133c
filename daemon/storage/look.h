// Looking: what only the drives themselves can tell, and what else decides whether they may be touched. Reads
// only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "facts/facts.h"
#include "profile/profile.h"
#include "storage/record.h"
#include "storage/rivals.h"
#include "system/block.h"
#include "system/files.h"

namespace fettle::storage {

// A drive of a model that the profile wants.
struct SeenDrive {
  facts::Drive drive;
  facts::Fact<system::Signature> signature;
  facts::Fact<bool> blank;  // looked at only when there is no signature, no partition and nobody uses it
  Result<void> free = {};   // as above
  std::vector<std::string> mounted_on;  // the drive itself, without an array; everywhere
};

// A drive of a wanted model that belongs to the system, and why.
struct LeftOut {
  facts::Drive drive;
  std::string why;
};

// An array with one of our candidates in it; found by its members, never by its name.
struct SeenArray {
  facts::Array array;
  facts::Fact<system::Signature> content;
  std::string device_number;            // "9:127"; empty when the kernel does not say
  std::vector<std::string> mounted_on;  // everywhere, bind mounts included
};

struct Sight {
  std::vector<SeenDrive> drives;  // by serial
  std::vector<LeftOut> left_out;
  std::vector<facts::Drive> unwanted;  // of models that the profile does not name, or excludes
  // Of those the local ones that are blank and neither used nor excluded; looked for only where the machine
  // has no drive of a wanted model at all, and closely.
  std::vector<facts::Drive> blank_others;
  std::vector<SeenArray> arrays;  // those with at least one of `drives` as a member
  facts::Fact<facts::Identity> identity;
  Result<Record> record = fail(Why::missing, "cannot find a storage record");
  bool record_is_ours = false;  // the record was read and belongs to this machine
  std::vector<std::string>
      blocks;  // why nothing may be created here, each a whole sentence; empty on a normal node
  std::optional<Rivals> rivals;            // nothing when it did not come to looking
  std::string link;                        // where the cache link leads now; empty = nowhere
  std::vector<facts::Mount> cache_mounts;  // what is mounted at the cache path
  std::optional<Error> wrong_place;        // why the cache must not be mounted where the profile says
  std::optional<Error> blind;              // something that had to be read could not be: nothing is known
};

// How closely to look. `quick` reads signatures only (a few blocks of each drive); `thorough` also whether
// drives without one are blank (32 MiB of each) and free. A quick look can tell `same` from all else, and no
// more.
enum class Depth { quick, thorough };

Sight look(const facts::Facts& facts, const profile::Cache& cache, const system::Files& files, Depth depth);

// Can the array be read and written? "clean" promises nothing about its members: md notices a loss only when
// it writes.
bool is_running(const facts::Array& array);

// Does the drive's model belong to the set? Patterns are those of fnmatch(3).
bool is_wanted(const profile::DriveSet& wanted, const facts::Drive& drive);

// "259:3", as mountinfo writes it.
std::string device_number_of(const facts::Drive& drive);

// The name that our arrays carry in their superblocks: with the home host "any", so that a new hostname
// changes nothing.
std::string array_label();

// "Microsoft NVMe Direct Disk v2 SN0001 (nvme3n1)": how a drive is named to people, everywhere.
std::string to_text(const facts::Drive& drive);

}  // namespace fettle::storage
