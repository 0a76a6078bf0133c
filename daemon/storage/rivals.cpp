#include "storage/rivals.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "base/names.h"
#include "base/text.h"
#include "storage/rival_texts.h"

namespace fettle::storage {
namespace {

// What a statement must be about, beside having one of the row's words.
enum class About {
  anything,     // the words are enough
  drives,       // our drives, by name, serial, pattern or model
  mount_point,  // the cache's
  both,         // either of them
};

// Words that make a script, a rule or a command one that writes to whole drives. The spellings are those of
// the programs' manuals.
constexpr std::string_view formats =
    "mkfs|mke2fs|mdadm --create|mdadm -C|pvcreate|vgcreate|zpool create|sgdisk|sfdisk|parted |wipefs|"
    "blkdiscard|cryptsetup|mkswap|zero-superblock";

// What the images and recipes of clouds bring for the same job, by the name of the program.
constexpr std::string_view tools_of_clouds =
    "setup-local-disks|oke-nvme-raid|nvme_ephemeral_drives|nvme_raid_start|format-mount-nvme-root|"
    "setup-ephemeral-drives|azure-ephemeral-disk-setup";

struct Row {
  std::string_view id;
  std::string_view who;
  Place place;
  std::string_view words;  // one of these, parted by '|'; empty = none needed
  About about;
  Answer answer;
  std::string_view means;
  std::string_view advice;
};

constexpr std::array rows{
    Row{"fstab.azure", "azure-ephemeral-disk-setup", Place::fstab, "azure-ephemeral-disk-setup|AzureEphmDsk",
        About::anything, Answer::stand_down, "uses the local drives itself",
        "`systemctl disable azure-ephemeral-disk-setup.service` and take the line out, or leave the drives "
        "to "
        "it with `cache:` without `drives:`"},
    Row{"fstab.mount_point", "/etc/fstab", Place::fstab, "", About::mount_point, Answer::stand_down,
        "mounts something on the mount point of the cache", "take that line out"},
    Row{"fstab.drives", "/etc/fstab", Place::fstab, "", About::drives, Answer::stand_down,
        "mounts a local drive, by a name that may be another drive's at the next boot", "take that line out"},
    Row{"unit.mount_point", "a mount unit", Place::mount_unit, "", About::mount_point, Answer::stand_down,
        "mounts something else on the mount point of the cache",
        "remove the unit, then `systemctl daemon-reload`"},
    Row{"unit.drives", "a mount unit", Place::mount_unit, "", About::drives, Answer::stand_down,
        "mounts a local drive or swaps to it", "remove the unit, then `systemctl daemon-reload`"},
    Row{"unit.azure", "azure-ephemeral-disk-setup", Place::unit, "azure-ephemeral-disk-setup",
        About::anything, Answer::stand_down, "makes one disk of the local NVMe drives at each boot",
        "`systemctl disable azure-ephemeral-disk-setup.service`, or leave the drives to it with `cache:` "
        "without `drives:`"},
    Row{"unit.azhpc", "nvme-raid.service of the HPC images", Place::unit, "nvme-raid.service|setup_nvme.sh",
        About::anything, Answer::stand_down,
        "takes every NVMe drive and zeroes the superblocks each time it starts and stops: the cache would be "
        "lost at a shutdown",
        "take its ExecStop= out first, because stopping it zeroes too; then `systemctl disable "
        "nvme-raid.service`"},
    Row{"unit.oke", "oke-nvme-raid of Oracle's Kubernetes images", Place::unit, "oke-nvme-raid",
        About::anything, Answer::stand_down,
        "makes an array of every NVMe drive without looking at what is on it",
        "disable the unit that is named"},
    Row{"unit.eks", "setup-local-disks of the EKS images", Place::unit, "setup-local-disks", About::anything,
        Answer::stand_down, "makes an array of the instance's NVMe drives without looking at what is on it",
        "leave `localStorage` out of the node's configuration, or leave the drives to it"},
    Row{"unit.aks", "format-mount-nvme-root of the AKS images", Place::unit, "format-mount-nvme-root",
        About::anything, Answer::stand_down, "formats the local NVMe drives for kubelet and containerd",
        "disable the unit that is named, or leave the drives to it"},
    Row{"unit.parallelcluster", "setup-ephemeral-drives of ParallelCluster", Place::unit,
        "setup-ephemeral-drives", About::anything, Answer::stand_down,
        "makes a striped volume of the local drives and unmounts what is on them first",
        "disable the unit that is named"},
    Row{"unit.dlami", "dlami-nvme of the AWS Deep Learning images", Place::unit,
        "dlami-nvme|nvme_ephemeral_drives", About::anything, Answer::stand_down,
        "makes a striped volume of the instance's NVMe drives at each boot and mounts it on /opt/dlami/nvme",
        "`systemctl disable dlami-nvme.service`, or leave the drives to it with `cache:` without `drives:`"},
    Row{"unit.localssd", "the local SSD array of the Cluster Toolkit", Place::unit, "md/localssd",
        About::anything, Answer::stand_down, "makes an array of the local SSDs whenever there is none",
        "disable the unit that is named"},
    Row{"unit.script", "a service of this machine", Place::unit_script, formats, About::drives,
        Answer::stand_down, "runs at boot and formats local drives", "disable the service that runs it"},
    Row{"unit.command", "a service of this machine", Place::unit, formats, About::drives, Answer::stand_down,
        "runs at boot and formats local drives", "disable it: `systemctl disable` and its name"},
    Row{"boot.tool", "a script of boot", Place::boot_script, tools_of_clouds, About::anything,
        Answer::stand_down, "has a tool of the cloud make one disk of the local NVMe drives",
        "take that line out; what is in the user data is mended where the instance is made"},
    Row{"boot.script", "a script of boot", Place::boot_script, formats, About::drives, Answer::stand_down,
        "runs at boot and formats local drives", "take it out, or those lines of it"},
    Row{"cloud-init.disks", "cloud-init's disk_setup", Place::cloud_disks, "", About::drives,
        Answer::stand_down, "partitions or formats local drives at the first boot of each instance",
        "take the drives out of it; what is in the user data is mended where the instance is made"},
    Row{"cloud-init.ephemeral", "cloud-init's disk_setup", Place::cloud_disks, "ephemeral", About::anything,
        Answer::warn, "formats what the cloud calls ephemeral, on some clouds a local NVMe drive",
        "look which drive that is: `cloud-init query ds`; name another or take it out"},
    Row{"cloud-init.mounts", "cloud-init's mounts", Place::cloud_mounts, "", About::both, Answer::stand_down,
        "writes a line into /etc/fstab at the next boot that uses the drives or the mount point of the cache",
        "take the entry out; what is in the user data is mended where the instance is made"},
    Row{"cloud-init.tool", "cloud-init's bootcmd or runcmd", Place::cloud_run, tools_of_clouds,
        About::anything, Answer::stand_down, "has a tool of the cloud make one disk of the local NVMe drives",
        "take that command out; what is in the user data is mended where the instance is made"},
    Row{"cloud-init.node", "the node configuration of the EKS images", Place::node_config, "localStorage",
        About::anything, Answer::stand_down, "has nodeadm make an array of the instance's NVMe drives",
        "leave `localStorage` out of it where the node is made, or leave the drives to it with `cache:` "
        "without `drives:`"},
    Row{"cloud-init.files", "a file that cloud-init writes", Place::cloud_files, formats, About::drives,
        Answer::stand_down, "is a script that formats local drives, for something to run at boot",
        "take it out; what is in the user data is mended where the instance is made"},
    Row{"cloud-init.commands", "cloud-init's bootcmd or runcmd", Place::cloud_run, formats, About::drives,
        Answer::stand_down, "formats local drives",
        "take those commands out; what is in the user data is mended where the instance is made"},
    Row{"mdadm.drives", "mdadm.conf", Place::mdadm, "ARRAY", About::drives, Answer::warn,
        "assembles another array of these drives whenever they appear",
        "take the ARRAY line out, then `update-initramfs -u`"},
    Row{"mdadm.name", "mdadm.conf", Place::mdadm, "md/fettle|:fettle|name=fettle", About::anything,
        Answer::warn, "gives the name of the cache's array to another one, and ours gets a number instead",
        "take the ARRAY line out, then `update-initramfs -u`; fettle needs none"},
    Row{"udev.formats", "a udev rule", Place::udev, formats, About::drives, Answer::stand_down,
        "formats local drives whenever they appear", "take the rule out, then `udevadm control --reload`"},
    Row{"udev.name", "a udev rule", Place::udev, "md/fettle", About::anything, Answer::warn,
        "gives the name of the cache's array to another device",
        "take the rule out, then `udevadm control --reload`"},
    Row{"waagent.mount_point", "the Azure agent", Place::waagent, "ResourceDisk.MountPoint",
        About::mount_point, Answer::stand_down, "mounts the resource disk on the mount point of the cache",
        "set `ResourceDisk.Format=n` or another `ResourceDisk.MountPoint`"},
    Row{"kubelet.driver", "a storage driver of Kubernetes", Place::kubelet,
        "localdisk|topolvm|openebs|rook|longhorn|lvm|linstor|zfs|portworx|local-storage", About::anything,
        Answer::warn, "takes blank local drives for volumes when its configuration says so",
        "leave these drives out of its configuration; once the cache is made it finds them in use"},
};

constexpr bool ids_are_unique() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = i + 1; j < rows.size(); ++j) {
      if (rows[i].id == rows[j].id) return false;
    }
  }
  return true;
}
static_assert(ids_are_unique());

// --- is a text about us? ---

// Where in the text, and which word it was.
struct Hit {
  std::size_t at = 0;
  std::string word;
};

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// A word in front of which there is a letter is another word: "emkfs" is no mkfs.
std::optional<Hit> find_word(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    if (at == 0 || !is_name_character(text[at - 1]) || !is_name_character(word.front()))
      return Hit{at, std::string(trim(word))};
  }
  return std::nullopt;
}

// A path that goes on is another path: /srv/fettle/hf is not /srv/fettle.
std::optional<Hit> find_path(std::string_view text, const std::string& path) {
  for (auto at = text.find(path); at != std::string_view::npos; at = text.find(path, at + 1)) {
    const auto end = at + path.size();
    const auto goes_on = [](char c) { return is_name_character(c) || c == '/' || c == '.' || c == '-'; };
    if ((at == 0 || !goes_on(text[at - 1])) && (end == text.size() || !goes_on(text[end])))
      return Hit{at, path};
  }
  return std::nullopt;
}

// The drive by a word that begins with "nvme": its name with or without a partition, a pattern or a shell
// variable that may be it, or a link of udev's.
bool may_be(const std::string& word, const facts::Drive& drive) {
  std::string model = drive.model;
  std::replace(model.begin(), model.end(), ' ', '_');
  const std::string link = "nvme-" + model + "_" + drive.serial;
  if (word.find('$') != std::string::npos) return true;
  for (const std::string& name : {drive.name, link}) {
    if (word == name || ::fnmatch(word.c_str(), name.c_str(), 0) == 0) return true;
    const bool has_part = word.rfind(name + "p", 0) == 0 || word.rfind(name + "-part", 0) == 0;
    if (has_part && std::isdigit(static_cast<unsigned char>(word.back())) != 0) return true;
  }
  return false;
}

std::optional<Hit> find_drive(std::string_view text, const Claim& claim) {
  // How each cloud's scripts look for its local drives.
  constexpr std::array<std::string_view, 6> kinds{"/dev/disk/azure/local", "NVMe Direct Disk",
                                                  "Instance_Storage",      "NVMe Instance Storage",
                                                  "google-local-nvme-ssd", "google-local-ssd"};
  if (claim.drives.empty()) return std::nullopt;
  for (const std::string_view kind : kinds) {
    if (const auto at = text.find(kind); at != std::string_view::npos) return Hit{at, std::string(kind)};
  }
  for (const facts::Drive& drive : claim.drives) {
    if (drive.serial.size() < 6) continue;  // short ones stand in any text
    if (const auto at = text.find(drive.serial); at != std::string_view::npos) return Hit{at, drive.serial};
  }
  for (auto at = text.find("nvme"); at != std::string_view::npos; at = text.find("nvme", at + 1)) {
    if (at > 0 && is_name_character(text[at - 1])) continue;
    const auto end = text.find_first_of(" \t\n\"',;:)}|&`<>\\", at);
    std::string word(text.substr(at, end == std::string_view::npos ? end : end - at));
    const auto is_it = [&](const facts::Drive& drive) { return may_be(word, drive); };
    if (std::any_of(claim.drives.begin(), claim.drives.end(), is_it)) return Hit{at, std::move(word)};
  }
  return std::nullopt;
}

// mdadm writes UUIDs with colons, everybody else with dashes.
std::string digits_of(std::string_view uuid) {
  std::string digits;
  for (const char c : uuid) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0)
      digits += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return digits;
}

std::string uuid_in(std::string_view array_line) {
  for (std::string_view word : split(array_line, ' ')) {
    word = trim(word);
    if (word.size() > 5 && (word.substr(0, 5) == "UUID=" || word.substr(0, 5) == "uuid="))
      return digits_of(word.substr(5));
  }
  return {};
}

std::optional<Hit> find_array(const Statement& statement, const Claim& claim) {
  const std::string uuid = uuid_in(statement.text);
  for (const std::string& other : claim.array_uuids) {
    if (!uuid.empty() && uuid == digits_of(other)) return Hit{0, "UUID of an array on these drives"};
  }
  return find_drive(statement.text, claim);
}

std::optional<Hit> find_mount_point(const Statement& statement, const Claim& claim) {
  if (statement.where)
    return *statement.where == claim.path ? std::optional(Hit{0, claim.path}) : std::nullopt;
  return find_path(statement.text, claim.path);
}

std::optional<Hit> find_subject(const Row& row, const Statement& statement, const Claim& claim) {
  switch (row.about) {
    case About::anything:
      return Hit{};
    case About::drives:
      return row.place == Place::mdadm ? find_array(statement, claim) : find_drive(statement.text, claim);
    case About::mount_point:
      return find_mount_point(statement, claim);
    case About::both: {
      const auto drive = find_drive(statement.text, claim);
      return drive ? drive : find_mount_point(statement, claim);
    }
  }
  return std::nullopt;
}

std::optional<Hit> match(const Row& row, const Statement& statement, const Claim& claim) {
  if (row.place != statement.place) return std::nullopt;
  const auto subject = find_subject(row, statement, claim);
  if (!subject || row.words.empty()) return subject;
  for (const std::string_view word : split(row.words, '|')) {
    if (auto hit = find_word(statement.text, word)) return hit;
  }
  return std::nullopt;
}

Rival rival_of(const Row& row, const Statement& statement, const Hit& hit) {
  const auto before = std::string_view(statement.text).substr(0, hit.at);
  const std::size_t line =
      statement.line + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  return {std::string(row.id),
          std::string(row.who),
          statement.path,
          "line " + std::to_string(line) + (hit.word.empty() ? "" : ", '" + hit.word + "'"),
          std::string(row.means),
          std::string(row.advice),
          row.answer};
}

}  // namespace

std::string_view to_text(Answer answer) {
  return answer == Answer::stand_down ? "stand_down" : "warn";
}

Rivals look_for_rivals(const Claim& claim, const system::Files& files) {
  Statements statements = read_statements(files);
  Rivals rivals;
  rivals.blind = std::move(statements.blind);
  const std::string own = digits_of(claim.own_array_uuid);
  for (const Statement& statement : statements.all) {
    if (statement.place == Place::mdadm && !own.empty() && uuid_in(statement.text) == own) continue;
    for (const Row& row : rows) {
      const auto hit = match(row, statement, claim);
      if (!hit) continue;
      rivals.found.push_back(rival_of(row, statement, *hit));
      break;  // the first row says most
    }
  }
  return rivals;
}

std::string to_text(const Rival& rival) {
  return rival.who + ": '" + rival.path + "' (" + rival.says + ") " + rival.means;
}

}  // namespace fettle::storage
