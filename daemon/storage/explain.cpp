#include "storage/explain.h"

#include <array>

namespace fettle::storage {
namespace {

constexpr std::array all{
    Explanation{"cache.provisioned",
                "the report that fettle-provision.service and fettle-cache.service left in /run/fettle",
                "It holds the verdict of this boot: which drives were found, whose they are, and what was "
                "done. When it refused, no byte was written to any drive.",
                "`fettle storage show` names each drive and why it was taken or not; `fettle storage "
                "history` tells how earlier boots came out. A refusal is mended at its cause (a missing "
                "drive, a foreign signature), then `systemctl restart fettle-provision.service`."},
    Explanation{
        "cache.mounted", "/proc/self/mountinfo, against the device that provisioning found",
        "Without the mount every cache would land on the root disk; the bare mount point refuses "
        "writes, so what needs the cache fails at once instead.",
        "`systemctl status srv-fettle.mount fettle-provision.service` (the mount unit bears the name of "
        "the cache's path: data.mount for /data). When it is read-only, XFS "
        "has met I/O errors: `dmesg` names the drive, and a reboot judges anew."},
    Explanation{"cache.array", "/sys/block/md*/md and the serial numbers of the drives in sysfs",
                "A RAID-0 that lost one drive has lost everything; its members may go on saying in_sync, so "
                "the array's own state and each recorded serial number are looked at.",
                "Find the drive (`nvme list`, `dmesg`). When it is back, reboot: the data is still there. "
                "When it is gone for good, `fettle storage recreate` makes a new cache from what is there, "
                "and the shelves are staged again."},
    Explanation{"cache.rivals",
                "fstab, mount units, enabled services and their scripts, cloud-init's files and user data, "
                "mdadm.conf, udev rules, waagent.conf, cron and the drivers of kubelet, as provisioning read "
                "them",
                "Two tools that both take the local drives lose data for each other, often only at the next "
                "boot or when the machine was deallocated. Beside one of them no new cache is made; a cache "
                "that is there is used.",
                "`fettle storage show` names each: the file, the line, what it does and what to do. Turn it "
                "off, or leave the drives to it and give fettle the directory (`cache:` without `drives:`). "
                "Then `systemctl restart fettle-provision.service` looks again."},
    Explanation{"cache.consumers",
                "`consumers` in /etc/fettle/fettle.yaml, against the drop-ins 50-fettle-cache.conf below "
                "/etc/systemd/system",
                "A docker that starts before the cache is mounted, or without it, writes its images to the "
                "root disk and fills it; after the next boot they seem to be gone. With the drop-in it does "
                "not start, and the node itself boots all the same.",
                "`fettle plan` shows what is missing or left over, `fettle apply` writes or removes it. A "
                "file of somebody else's under our name is left as it is: give it another name."},
    Explanation{
        "cache.places",
        "`places` in /etc/fettle/fettle.yaml outside of home directories, against the mount units and "
        "links that are there and what is mounted",
        "Software that knows nothing of the cache's variables looks in its own place. When that does "
        "not lead onto the cache, it fills the root disk and loads everything again.",
        "`fettle plan` shows what is missing, `fettle apply` makes it. A place with somebody's files "
        "is never moved nor hidden: stop who uses them, move them to the directory of the cache, and "
        "apply again."},
    Explanation{"cache.space", "statfs of the mount, the reserves of the profile, the measured directories",
                "A full cache stops staging half way and makes engines fail in places that do not mention "
                "the disk.",
                "`fettle storage caches` tells what fills it, `fettle shelf gc` what no shelf wants any "
                "more. Both only show; you decide."},
    Explanation{"cache.quota",
                "statfs of each directory that has a `quota` in the profile: the file system tells the "
                "quota and what is left of it",
                "One directory that fills the cache takes the room of all others. A quota that is not in "
                "force is a promise that nobody keeps.",
                "Mounting with quotas takes a boot, or `systemctl stop` of what uses the cache and `fettle "
                "apply`. `fettle storage caches` shows what each directory may hold and has left."},
    Explanation{"cache.writes",
                "the last trial of fettle-collect.timer: a file written across all drives "
                "and read back past the page cache, with a deadline",
                "A drive can die while nothing uses it, and statistics go on looking fine. Only a write "
                "that came back proves that the cache works.",
                "`fettle collect --now` tries again. When it fails or does not end, look at `dmesg` for the "
                "drive that hangs; jobs that use the cache will hang with it."},
    Explanation{"cache.options", "the mount options in /proc/self/mountinfo",
                "noatime spares a write for each read; nosuid and nodev keep what was downloaded from "
                "becoming more than data.",
                "`systemctl cat srv-fettle.mount` shows which drop-in changed it; `fettle apply` puts back "
                "what is ours."},
    Explanation{"cache.generation", "the marker file in the cache, against the report of provisioning",
                "Two caches can look alike. The generation tells whether this one is the one that was "
                "provisioned, and not a file system that somebody mounted over it.",
                "`findmnt` on its path shows what is mounted there; `systemctl restart "
                "fettle-cache.service` looks again."},
    Explanation{"drive.answers",
                "the last look of fettle-collect.timer: the health log of each drive, in "
                "a child with a deadline",
                "A drive that does not answer its health log will soon not answer reads either, or hangs "
                "whoever asks.",
                "`nvme smart-log` on the drive that is named, then `dmesg`. A drive that hangs for good "
                "needs a power cycle, often of the whole node."},
    Explanation{"drive.spare", "the NVMe health log: available spare and its threshold",
                "Below the threshold the drive has no blocks left to replace bad ones with.",
                "Have the drive replaced while it still works. What the cache holds can be fetched again; "
                "let it not happen in the middle of a job."},
    Explanation{"drive.temperature", "the NVMe health log: composite temperature, and the profile's limit",
                "A hot drive slows itself down, and one slow drive slows the whole array.",
                "Look at airflow and at the drive's neighbours. All drives hot: the room or the fans; one "
                "hot: its slot."},
    Explanation{"drive.reliability", "the NVMe health log: critical warning, bit 2",
                "The drive itself says that errors made it unreliable. Drives seldom say so too early.",
                "Have it replaced. Until then expect the cache to be lost: do not keep anything there that "
                "cannot be fetched again."},
    Explanation{"drive.read_only", "the NVMe health log: critical warning, bit 3",
                "The drive takes no more writes; the file system over it will stop soon.",
                "Have it replaced, then boot: the new blank drive leads to a verdict that `fettle storage "
                "show` explains."},
    Explanation{"drive.backup", "the NVMe health log: critical warning, bit 4",
                "The capacitor that saves the drive's volatile memory has failed: after a power cut the "
                "last writes may be gone although they were acknowledged.",
                "Have it replaced. After a power cut, `fettle shelf verify NAME` proves the models."},
    Explanation{
        "drive.persistent_memory", "the NVMe health log: critical warning, bit 5",
        "The drive's persistent memory region is read-only or unreliable. fettle does not use it.",
        "When nothing else on this node uses it, note it for the next replacement; else tell whoever does."},
    Explanation{"drive.wear", "the NVMe health log: percentage used",
                "At 100 % the drive has written as much as its maker vouches for. It usually goes on, but "
                "nobody promises that.",
                "Plan its replacement. `drive_limits` in the profile sets the percentage at which this "
                "warns."},
    Explanation{"drive.media", "the NVMe health log: media and data integrity errors",
                "So many times the drive could not give back what was written. Each is a place in some "
                "file.",
                "`fettle shelf verify` finds damaged models and fetches them again. A number that grows "
                "means replacement."},
    Explanation{"drive.speed",
                "the time of reads from each drive, against its siblings and against the "
                "first measurement of this cache",
                "RAID-0 is as fast as its slowest drive: one that takes three times as long makes all eight "
                "do so.",
                "`fettle collect --now` measures again on a quiet node. When the same drive stays slow, "
                "have it replaced."},
};

}  // namespace

std::span<const Explanation> explanations() {
  return all;
}

}  // namespace fettle::storage
