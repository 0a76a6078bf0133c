// Rivals: what else on the machine formats, assembles or mounts the drives that the cache is made of, or sits
// on its mount point: other tools' units, cloud-init, fstab, mdadm.conf, udev rules, scripts of boot, drivers
// of Kubernetes. Reads only; the table of them is in the source.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "facts/facts.h"
#include "system/files.h"

namespace fettle::storage {

// How we answer: `stand_down` = no new cache is made beside it; `warn` = somebody should know.
enum class Answer { stand_down, warn };

std::string_view to_text(Answer answer);

// One that was found. `says` names line and word only, never the text around it: user data holds secrets.
struct Rival {
  std::string id;      // of its row: "cloud-init.disks"
  std::string who;     // "cloud-init's disk_setup"
  std::string path;    // the file that says so
  std::string says;    // "line 12, 'mkfs'"
  std::string means;   // what it does to our drives
  std::string advice;  // what to do about it
  Answer answer = Answer::warn;
};

struct Rivals {
  std::vector<Rival> found;
  std::vector<Error> blind;  // what could not be read: it may hold more
};

// What is ours, for telling whether a text is about it.
struct Claim {
  std::string path;                      // the mount point
  std::vector<facts::Drive> drives;      // those of the wanted models that are not the system's
  std::vector<std::string> array_uuids;  // of arrays that the drives carry and that are not ours
  std::string own_array_uuid;            // on record; empty when there is none
};

Rivals look_for_rivals(const Claim& claim, const system::Files& files);

// "cloud-init's disk_setup: '/etc/cloud/cloud.cfg.d/90.cfg' (line 3, '/dev/nvme0n1') formats …"
std::string to_text(const Rival& rival);

}  // namespace fettle::storage
