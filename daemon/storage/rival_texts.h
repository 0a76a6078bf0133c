// The places where rivals leave traces, each read into statements: one line of fstab, one unit, one script.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "system/files.h"

namespace fettle::storage {

enum class Place {
  fstab,         // a line each
  mount_unit,    // a .mount or .swap of the machine's own each
  unit,          // the Exec lines of an enabled service each, its name in front
  unit_script,   // the script that an enabled service of the machine's own runs
  boot_script,   // what cron, rc.local and cloud-init run at boot
  cloud_disks,   // cloud-init's disk_setup and fs_setup
  cloud_mounts,  // and its mounts
  cloud_run,     // and its bootcmd and runcmd
  cloud_files,   // and its write_files
  node_config,   // what nodeadm of the EKS images finds in the user data: the `spec` of a NodeConfig
  mdadm,         // an ARRAY line each
  udev,          // a rule each
  waagent,       // the resource disk of the Azure agent
  kubelet,       // a driver's directory each
};

struct Statement {
  Place place = Place::fstab;
  std::string path;
  std::size_t line = 1;              // of its beginning
  std::string text;                  // without comments, those left as empty lines
  std::optional<std::string> where;  // the mount point that it names, where its format has one
};

struct Statements {
  std::vector<Statement> all;
  std::vector<Error> blind;
};

Statements read_statements(const system::Files& files);

}  // namespace fettle::storage
