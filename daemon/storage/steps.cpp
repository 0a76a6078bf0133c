#include "storage/steps.h"

#include "base/names.h"
#include "base/text.h"

namespace fettle::storage {
namespace {

using std::chrono::seconds;

constexpr const char* mdadm = "/usr/sbin/mdadm";
constexpr const char* mkfs = "/usr/sbin/mkfs.xfs";
// mdadm waits for udev for up to 30 s of its own. mkfs without discard writes a few hundred MiB.
constexpr seconds array_deadline{120};
constexpr seconds filesystem_deadline{900};

std::string array_path() {
  return "/dev/md/" + std::string(names::array_name);
}

std::vector<std::string> serials_of(const Drives& drives) {
  std::vector<std::string> serials;
  for (const facts::Drive& drive : drives) serials.push_back(drive.serial);
  return serials;
}

void add_devices(system::Command& command, const Drives& drives) {
  for (const facts::Drive& drive : drives) command.argv.push_back("/dev/" + drive.name);
}

}  // namespace

std::string as_mdadm(const std::string& uuid) {
  std::string text;
  std::size_t digits = 0;
  for (const char c : uuid) {
    if (c == '-') continue;
    if (digits != 0 && digits % 8 == 0) text += ':';
    text += c;
    ++digits;
  }
  return text;
}

bool is_same(const RecordedDrive& recorded, const facts::Drive& drive) {
  return recorded == RecordedDrive{drive.serial, drive.wwid, drive.nsid, drive.size};
}

Step step_write(Act act) {
  return {act,
          act == Act::write_intent ? "write down which drives and which UUIDs, before the first byte"
                                   : "write down that it is done",
          {},
          {}};
}

Step step_clear(const Drives& drives, const std::string& array_uuid) {
  return {Act::clear_unfinished,
          "take the superblocks of the unfinished array " + array_uuid + " off " +
              count_of(drives.size(), "drive"),
          serials_of(drives),
          {}};
}

Step step_create(const Drives& drives, const std::string& array_uuid) {
  Step step{Act::create_array,
            "create the RAID-0 array of " + count_of(drives.size(), "drive"),
            serials_of(drives),
            {}};
  step.command.argv = {mdadm,
                       "--create",
                       array_path(),
                       "--level=0",
                       "--raid-devices=" + std::to_string(drives.size()),
                       "--chunk=512",
                       "--metadata=1.2",
                       "--homehost=any",
                       "--name=" + std::string(names::array_name),
                       "--uuid=" + as_mdadm(array_uuid)};
  add_devices(step.command, drives);
  step.command.deadline = array_deadline;
  return step;
}

Step step_assemble(const Drives& drives, const std::string& array_uuid) {
  Step step{Act::assemble_array, "assemble the array of " + count_of(drives.size(), "drive"), {}, {}};
  step.command.argv = {mdadm, "--assemble", array_path(), "--uuid=" + as_mdadm(array_uuid)};
  add_devices(step.command, drives);
  step.command.deadline = array_deadline;
  return step;
}

Step step_find() {
  return {Act::find_array, "find the array by its members and compare its UUID", {}, {}};
}

Step step_make_filesystem(const Drives& drives, const std::string& filesystem_uuid) {
  Step step{Act::make_filesystem, "make the XFS filesystem", serials_of(drives), {}};
  // No discard: it takes hours on drives of many TB, and blank drives need none. 32 KiB of log stripe,
  // because a stripe of 512 KiB is more than XFS can use there (256 KiB).
  step.command.argv = {mkfs, "-K",     "-L", std::string(names::filesystem_label),
                       "-l", "su=32k", "-m", "uuid=" + filesystem_uuid};
  step.command.deadline = filesystem_deadline;
  return step;
}

Step step_check() {
  return {Act::check_filesystem, "look whether the filesystem is the right one", {}, {}};
}

Step step_link() {
  return {Act::set_link, "point " + std::string(names::cache_link) + " at it for the mount unit", {}, {}};
}

Step step_write_release() {
  return {Act::write_release, "write down which drives are emptied, before the first byte", {}, {}};
}

Step step_stop(const std::string& array_uuid) {
  return {Act::stop_array, "stop the array " + array_uuid, {}, {}};
}

Step step_erase(const Drives& drives) {
  return {Act::erase_drives,
          "empty " + count_of(drives.size(), "drive") + ": zeros at both ends and all over, our mark last",
          serials_of(drives),
          {}};
}

Step step_forget() {
  return {Act::forget, "set the storage record aside and take the link away", {}, {}};
}

system::Command detail_of(const std::string& device) {
  return {{mdadm, "--detail", "--export", device}, {}, seconds(30)};
}

system::Command stop_of(const std::string& device) {
  return {{mdadm, "--stop", device}, {}, seconds(60)};
}

system::Command zero_superblock_of(const std::string& device) {
  return {{mdadm, "--zero-superblock", device}, {}, seconds(60)};
}

// Takes 4 bytes away: the magic number at the start. mkfs.xfs refuses what still looks like a filesystem.
system::Command unmark_unfinished_xfs_on(const std::string& device) {
  return {{"/usr/sbin/wipefs", "--types", "xfs", "--offset", "0", device}, {}, seconds(60)};
}

}  // namespace fettle::storage
