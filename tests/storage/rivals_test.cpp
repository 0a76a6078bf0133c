// Each row of the table of rivals: a machine that has it, what is said of it, and that its near neighbour is
// left in peace.
#include "storage/rivals.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

#include "storage/plan_support.h"
#include "storage/report.h"

using namespace fettle;
using namespace fettle::storage;

namespace {

const char* const links = "/etc/systemd/system/multi-user.target.wants/";

// A service that somebody enabled; its file is where packages put theirs, or the machine's own.
void enable(StorageMachine& machine, const std::string& name, const std::string& exec,
            const std::string& directory = "/usr/lib/systemd/system/") {
  machine.tree.file(directory + name, "[Service]\n# a comment\nExecStart=" + exec + "\n")
      .link(links + name, directory + name);
}

struct Row {
  const char* id;
  const char* path;  // that is named, with what stands in it
  const char* text;
  const char* says;
  Answer answer;
};

const std::vector<Row> texts{
    {"fstab.azure", "/etc/fstab", "\nLABEL=AzureEphmDsk /data ext4 defaults 0 2\n", "line 2, 'AzureEphmDsk'",
     Answer::stand_down},
    {"fstab.mount_point", "/etc/fstab", "/dev/md/kube  /srv/fettle xfs nofail 0 0\n", "line 1, '/srv/fettle'",
     Answer::stand_down},
    {"fstab.drives", "/etc/fstab", "/dev/nvme1n1p1 /data xfs nofail 0 0\n", "line 1, 'nvme1n1p1'",
     Answer::stand_down},
    {"unit.mount_point", "/etc/systemd/system/srv-fettle.mount",
     "[Mount]\nWhat=/dev/sdb\nWhere=/srv/fettle\n", "/srv/fettle", Answer::stand_down},
    {"unit.drives", "/etc/systemd/system/data.mount",
     "[Mount]\nWhat=/dev/disk/by-id/nvme-Microsoft_NVMe_Direct_Disk_v2_SN0002\nWhere=/data\n", "SN0002",
     Answer::stand_down},
    {"boot.script", "/etc/rc.local", "#!/bin/sh\nmdadm --create /dev/md0 -l 0 -n 2 /dev/nvme*n1\n",
     "line 2, 'mdadm --create'", Answer::stand_down},
    {"boot.script", "/var/lib/cloud/scripts/per-boot/10-disks",
     "#!/bin/bash\nfor i in 0 1; do\n  mkfs.ext4 /dev/nvme${i}n1\ndone\n", "line 3, 'mkfs'",
     Answer::stand_down},
    {"cloud-init.disks", "/etc/cloud/cloud.cfg.d/90_disks.cfg",
     "users: []\nfs_setup:\n  - device: /dev/nvme0n1\n    filesystem: ext4\n", "line 3, 'nvme0n1'",
     Answer::stand_down},
    {"cloud-init.ephemeral", "/etc/cloud/cloud.cfg", "disk_setup:\n  ephemeral0:\n    layout: true\n",
     "line 2, 'ephemeral'", Answer::warn},
    {"cloud-init.mounts", "/var/lib/cloud/instance/user-data.txt",
     "#cloud-config\nmounts:\n- [ /dev/sdc, /srv/fettle ]\n", "line 3, '/srv/fettle'", Answer::stand_down},
    {"cloud-init.commands", "/var/lib/cloud/instance/user-data.txt",
     "#cloud-config\nruncmd:\n  - TOKEN=secret mkfs.xfs /dev/nvme0n1\n", "line 3, 'mkfs'",
     Answer::stand_down},
    {"mdadm.drives", "/etc/mdadm/mdadm.conf", "ARRAY /dev/md0 devices=/dev/nvme0n1,/dev/nvme1n1\n",
     "line 1, 'ARRAY'", Answer::warn},
    {"mdadm.name", "/etc/mdadm/mdadm.conf",
     "HOMEHOST <system>\nARRAY /dev/md/fettle metadata=1.2 \\\n  UUID=99999999:22222222:33333333:44444444\n",
     "line 2, 'md/fettle'", Answer::warn},
    {"udev.formats", "/etc/udev/rules.d/99-format.rules",
     "KERNEL==\"nvme[0-9]*n[0-9]*\", RUN+=\"/sbin/mkfs.ext4 /dev/%k\"\n", "line 1, 'mkfs'",
     Answer::stand_down},
    {"udev.name", "/etc/udev/rules.d/99-name.rules", "KERNEL==\"sdb\", SYMLINK+=\"md/fettle\"\n",
     "line 1, 'md/fettle'", Answer::warn},
    {"waagent.mount_point", "/etc/waagent.conf",
     "# Azure\nResourceDisk.Format=y\nResourceDisk.MountPoint=/srv/fettle\n",
     "line 3, 'ResourceDisk.MountPoint'", Answer::stand_down},
    {"kubelet.driver", "/var/lib/kubelet/plugins/localdisk.csi.acstor.io/csi.sock", "", "'localdisk'",
     Answer::warn},
};

const std::vector<std::pair<const char*, std::string>> services{
    {"unit.azure", "azure-ephemeral-disk-setup.service"},
    {"unit.azhpc", "nvme-raid.service"},
};
const std::vector<std::pair<const char*, std::string>> programs{
    {"unit.oke", "/etc/oke/oke-nvme-raid.sh"},
    {"unit.eks", "/usr/bin/setup-local-disks raid0"},
    {"unit.aks", "/opt/azure/containers/format-mount-nvme-root.sh"},
    {"unit.parallelcluster", "/usr/local/sbin/setup-ephemeral-drives.sh"},
    {"unit.localssd", "/usr/bin/env mdadm --create /dev/md/localssd"},
    {"unit.command", "/bin/sh -c 'mkfs.xfs /dev/nvme0n1'"},
};

// The one that was found, with whether the plan stands down for it.
Rival found_on(StorageMachine& machine, const std::string& id) {
  const Plan planned = plan_of(machine);
  REQUIRE(planned.rivals);
  REQUIRE_MESSAGE(planned.rivals->found.size() == 1, id);
  const Rival& rival = planned.rivals->found.front();
  CHECK(rival.id == id);
  CHECK(rival.advice.size() > 10);
  CHECK(is_good(planned) == (rival.answer == Answer::warn));
  if (planned.refusal) {
    CHECK(planned.refusal->said.find(rival.path) != std::string::npos);
    CHECK(planned.steps.empty());
  }
  return rival;
}

}  // namespace

TEST_CASE("storage: each other user of the drives is found by the file that names it, and answered (F31)") {
  for (const Row& row : texts) {
    CAPTURE(row.id);
    CAPTURE(row.path);
    StorageMachine machine(2);
    machine.tree.file(row.path, row.text);
    const Rival rival = found_on(machine, row.id);
    CHECK(std::string(row.path).rfind(rival.path, 0) == 0);
    CHECK_MESSAGE(rival.says.find(row.says) != std::string::npos, rival.says);
    CHECK(rival.answer == row.answer);
    CHECK(to_text(rival).find("secret") == std::string::npos);
  }
}

TEST_CASE(
    "storage: an enabled service of another tool stands in our way, a disabled or masked one does not") {
  for (const auto& [id, name] : services) {
    CAPTURE(id);
    StorageMachine enabled(2);
    enable(enabled, name, "/usr/sbin/something");
    CHECK(found_on(enabled, id).answer == Answer::stand_down);
    StorageMachine disabled(2);
    disabled.tree.file("/usr/lib/systemd/system/" + name, "[Service]\nExecStart=/usr/sbin/something\n");
    CHECK(plan_of(disabled).rivals->found.empty());
    StorageMachine masked(2);
    enable(masked, name, "/usr/sbin/something");
    masked.tree.link("/etc/systemd/system/" + name, "/dev/null");
    CHECK(plan_of(masked).rivals->found.empty());
  }
  for (const auto& [id, program] : programs) {
    CAPTURE(id);
    StorageMachine machine(2);
    enable(machine, "disks.service", program);
    CHECK(found_on(machine, id).path == "/usr/lib/systemd/system/disks.service");
  }
}

// Each overlay has what an image or a recipe of that cloud really leaves on a machine, with its source.
TEST_CASE(
    "storage: what the images and recipes of clouds do with NVMe drives is named with file and line (F31)") {
  const std::string units = "/etc/systemd/system/";
  const std::string instance = "/var/lib/cloud/instance/";
  const std::string user_data = instance + "user-data.txt";
  const std::string script = instance + "scripts/part-001";
  for (const auto& [overlay, id, path, line] : std::vector<std::array<std::string, 4>>{
           {"rivals-eks-nodeadm", "cloud-init.node", user_data, "line 14, 'localStorage'"},
           {"rivals-eks-script", "boot.tool", script, "line 3, 'setup-local-disks'"},
           {"rivals-oke", "cloud-init.tool", user_data, "line 3, 'oke-nvme-raid'"},
           {"rivals-dlami", "unit.dlami", units + "dlami-nvme.service", "line 1, 'dlami-nvme'"},
           {"rivals-dlami", "unit.script", "/opt/aws/dlami/bin/nvme_ephemeral_drives.sh",
            "line 4, 'pvcreate'"},
           {"rivals-gcp-toolkit", "unit.localssd", units + "create-localssd-raid.service",
            "line 7, 'md/localssd'"},
           {"rivals-gcp-fstab", "fstab.drives", "/etc/fstab", "line 2, 'google-local-nvme-ssd'"},
           {"rivals-azure-hpc", "unit.azhpc", units + "nvme-raid.service", "line 1, 'nvme-raid.service'"},
           {"rivals-azure-ephemeral", "unit.azure",
            "/usr/lib/systemd/system/azure-ephemeral-disk-setup.service",
            "line 1, 'azure-ephemeral-disk-setup'"},
           {"rivals-azure-ephemeral", "fstab.azure", "/etc/fstab", "line 2, 'azure-ephemeral-disk-setup'"},
           {"rivals-azure-userdata", "boot.script", script, "line 4, 'mdadm --create'"},
           {"rivals-aws-boothook", "boot.script", instance + "boothooks/part-001",
            "line 4, 'mdadm --create'"},
           {"rivals-write-files", "cloud-init.files", user_data, "line 7, 'mdadm --create'"},
           {"rivals-disk-setup", "cloud-init.disks", user_data, "line 3, 'nvme0n1'"},
       }) {
    CAPTURE(overlay);
    CAPTURE(id);
    StorageMachine machine(8);
    machine.tree.overlay(overlay);
    const Plan planned = plan_of(machine);
    REQUIRE(planned.rivals);
    CHECK(planned.rivals->blind.empty());
    const auto& found = planned.rivals->found;
    const auto rival =
        std::find_if(found.begin(), found.end(), [&id = id](const Rival& each) { return each.id == id; });
    REQUIRE(rival != found.end());
    CHECK(rival->path == path);
    CHECK(rival->says == line);
    CHECK(rival->answer == Answer::stand_down);
    CHECK(rival->advice.size() > 10);
    REQUIRE(planned.refusal);
    CHECK(planned.steps.empty());
  }
}

TEST_CASE(
    "storage: an array that the EKS images made is left alone, and the line that assembles it is named") {
  StorageMachine machine(2);
  machine.put_array(other_uuid, "any:kubernetes", "");
  machine.tree.overlay("rivals-eks-made");
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::foreign);
  REQUIRE(planned.rivals->found.size() == 1);
  CHECK(planned.rivals->found.front().id == "mdadm.drives");
  CHECK(planned.rivals->found.front().path == "/.aws/mdadm.conf");
}

TEST_CASE("storage: the script of a service of the machine's own is read, whatever its name") {
  StorageMachine machine(2);
  enable(machine, "disks.service", "-/opt/site/disks --all", "/etc/systemd/system/");
  machine.tree.file("/opt/site/disks", "#!/bin/sh\n# mkfs on nvme0n1\nD=/dev/nvme0n1\npvcreate $D\n");
  CHECK(found_on(machine, "unit.script").says == "line 4, 'pvcreate'");
  // A script that only looks is none, and what is larger than any script is a program.
  machine.tree.file("/opt/site/disks", "#!/bin/sh\nnvme list; cat /sys/block/nvme0n1/size\n");
  CHECK(plan_of(machine).rivals->found.empty());
  machine.tree.file("/opt/site/disks", "mkfs /dev/nvme0n1" + std::string(2U << 20U, 'x'));
  CHECK(plan_of(machine).rivals->found.empty());
  CHECK(plan_of(machine).rivals->blind.empty());
}

TEST_CASE("storage: texts about other drives, other mount points and our own array are left in peace") {
  StorageMachine machine(2);
  REQUIRE_FALSE(provision(machine).error);
  const std::string uuid = read_record(machine.tree.files())->array_uuid;
  machine.tree
      .file("/etc/fstab",
            "# /dev/nvme0n1 /srv/fettle\nLABEL=root / ext4\n/srv/fettle/docker /var/lib/docker none bind\n"
            "/dev/nvme9n1 /home xfs\n/dev/sdb /srv/fettle2 ext4\n")
      .file("/etc/systemd/system/srv-fettle.mount", "[Mount]\nWhat=/run/fettle/cache\nWhere=/srv/fettle\n")
      .file("/etc/cloud/cloud.cfg",
            "cloud_init_modules:\n - disk_setup\n - mounts\nmount_default_fields: [~]\n")
      .file("/etc/cloud/cloud.cfg.d/50.cfg",
            "mounts:\n - [ ephemeral0, /mnt ]\nruncmd:\n - mkfs.xfs /dev/sdc\n")
      .file("/etc/mdadm/mdadm.conf",
            "HOMEHOST <system>\nARRAY /dev/md/fettle UUID=" + uuid + " name=any:fettle\n")
      .file("/usr/lib/udev/rules.d/60-persistent-storage.rules",
            "KERNEL==\"nvme*[0-9]n*[0-9]\", SYMLINK+=\"x\"\n")
      .file("/etc/waagent.conf", "ResourceDisk.Format=n\nResourceDisk.MountPoint=/srv/fettle\n")
      .file("/var/lib/kubelet/plugins/csi.nfs/csi.sock")
      .file("/etc/cron.d/trim", "0 3 * * 0 root fstrim /dev/nvme0n1\n");
  enable(machine, "fettle-provision.service", "/usr/bin/fettle provision --boot # mkfs nvme0n1");
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::same);
  for (const Rival& rival : planned.rivals->found) FAIL_CHECK(to_text(rival));
  CHECK(planned.rivals->blind.empty());
}

TEST_CASE("storage: mdadm.conf that names the array of others on our drives is said, beside the refusal") {
  StorageMachine machine(2);
  machine.put_array(other_uuid, "oldhost:data", "data");
  machine.tree.file("/etc/mdadm/mdadm.conf", "ARRAY /dev/md0 UUID=11111111:22224333:84445555:55555555\n");
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::foreign);
  REQUIRE(planned.rivals->found.size() == 1);
  CHECK(planned.rivals->found.front().id == "mdadm.drives");
}

TEST_CASE("storage: a whole cache is used beside a rival, and the finding tells of it until it is gone") {
  StorageMachine machine(2);
  REQUIRE_FALSE(provision(machine).error);
  enable(machine, "nvme-raid.service", "/opt/setup_nvme.sh");
  machine.tree.file("/etc/rc.local", "mkfs.xfs /dev/nvme0n1\n");
  const auto judged = [&] {
    const Plan planned = plan_of(machine);
    CHECK(planned.verdict == Verdict::same);
    CHECK(is_good(planned));
    const auto report = parse_report(to_json(report_of(planned, {}, machine.profile)));
    for (NamedFinding& named : findings(report, {}, machine.profile, {})) {
      if (named.id == "cache.rivals") return named.finding;
    }
    return Finding{Status::fail, "no such finding", {}};
  };
  const Finding both = judged();
  CHECK(both.status == Status::warn);
  CHECK(both.says.find("zeroes the superblocks") != std::string::npos);
  CHECK(both.says.find("; and 1 other") != std::string::npos);
  CHECK(both.hint.find("ExecStop=") != std::string::npos);
  machine.tree.remove("/etc/rc.local").remove("/usr/lib/systemd/system/nvme-raid.service");
  machine.tree.remove(std::string(links) + "nvme-raid.service");
  CHECK(judged().status == Status::pass);
}

TEST_CASE("storage: what could not be read for rivals is not known, never fine") {
  StorageMachine machine(2);
  REQUIRE_FALSE(provision(machine).error);
  machine.tree.directory("/var/lib/cloud/instance/user-data.txt");
  const Plan planned = plan_of(machine);
  REQUIRE(planned.rivals->blind.size() == 1);
  const auto report = parse_report(to_json(report_of(planned, {}, machine.profile)));
  const auto all = findings(report, {}, machine.profile, {});
  const auto named =
      std::find_if(all.begin(), all.end(), [](const auto& one) { return one.id == "cache.rivals"; });
  REQUIRE(named != all.end());
  CHECK(named->finding.status == Status::unknown);
  CHECK(named->finding.says.find("user-data.txt") != std::string::npos);
  // A report of an older version never looked.
  Report old = *report;
  old.rivals.reset();
  CHECK(findings(old, {}, machine.profile, {}).back().finding.status == Status::unknown);
  // fstab decides over the mount point: without it nothing is made.
  StorageMachine blank(2);
  blank.tree.directory("/etc/fstab");
  check_refused(blank, Verdict::all_blank, {"/etc/fstab"});
}
