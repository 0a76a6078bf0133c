// Steps: the exact commands of a plan, in one place for review. None of them can erase what it does not name:
// mdadm and mkfs are never told to overwrite, and their standard input is closed, so that a question of
// theirs is a no.
#pragma once

#include <string>
#include <vector>

#include "facts/facts.h"
#include "storage/plan.h"

namespace fettle::storage {

using Drives = std::vector<facts::Drive>;

Step step_write(Act act);
Step step_clear(const Drives& drives, const std::string& array_uuid);
Step step_create(const Drives& drives, const std::string& array_uuid);
Step step_assemble(const Drives& drives, const std::string& array_uuid);
Step step_find();
Step step_make_filesystem(const Drives& drives, const std::string& filesystem_uuid);
Step step_check();
Step step_link();
Step step_write_release();
Step step_stop(const std::string& array_uuid);
Step step_erase(const Drives& drives);
Step step_forget();

// What apply() runs besides the commands of steps.
system::Command detail_of(const std::string& device);
system::Command stop_of(const std::string& device);
system::Command zero_superblock_of(const std::string& device);
system::Command unmark_unfinished_xfs_on(const std::string& device);

// mdadm writes UUIDs as four groups: "01234567:89abcdef:01234567:89abcdef".
std::string as_mdadm(const std::string& uuid);

// Whether the drive is the recorded one.
bool is_same(const RecordedDrive& recorded, const facts::Drive& drive);

}  // namespace fettle::storage
