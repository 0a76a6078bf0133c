#include "health/explain.h"

#include <array>

namespace fettle::health {
namespace {

constexpr std::array all{
    Explanation{"os.release", "/etc/os-release, with the point release from VERSION",
                "Drivers are tested on point releases: 24.04.2 and 24.04.3 are different systems to the "
                "vendor. An unattended upgrade moves from one to the next.",
                "Pin the point release of your image, and move system, driver and ROCm together: `fettle "
                "compat` shows which go with which. A release newer than the table is a warning, no fault: "
                "nobody has tested it here."},
    Explanation{"os.kernel", "/proc/sys/kernel/osrelease: series (6.14) and flavour (generic, azure)",
                "The driver is built against the running kernel. An HWE kernel comes with a routine upgrade "
                "and can leave the node without a driver at the next boot.",
                "`fettle compat` names the kernels that are listed for this release. Install one and boot it "
                "(`apt install linux-image-generic`, or the older entry of GRUB), then keep it: `apt-mark "
                "hold linux-image-generic linux-headers-generic`. Cloud flavours of a listed series usually "
                "work, but no page names them."},
    Explanation{"driver.amdgpu", "/sys/module/amdgpu: present, initstate, version, taint",
                "Without the module there are no GPUs; with the kernel's own module most of ROCm works, "
                "until it does not, and no vendor page covers it.",
                "`modprobe amdgpu`, then `dmesg | grep amdgpu`. Azure blacklists it on purpose and loads it "
                "minutes after boot: wait 20 minutes before you act. `dkms status` tells whether it was "
                "built for this kernel."},
    Explanation{
        "driver.release", "amdgpu-dkms in /var/lib/dpkg/status, against the module that runs",
        "Three releases share module 6.14.14, so only the package tells which one is there. After an upgrade "
        "the old module runs on until the next boot.",
        "When package and module differ, reboot in a quiet hour, after `fettle check next-boot`. When there "
        "is no package, install the driver by `amdgpu-dkms`, so that the next person can tell what runs."},
    Explanation{"rocm.version",
                "/opt/rocm-*/.info/version, /opt/rocm/core-*/.info/version, and where /opt/rocm leads",
                "Several releases can lie side by side; the link decides which one tools and builds take.",
                "Point the link with `update-alternatives --config rocm`. None on the host is fine when all "
                "work runs in containers, which bring theirs."},
    Explanation{"driver.next_boot",
                "vmlinuz-* in /boot, /lib/modules/RELEASE/updates/dkms, its headers, /var/lib/dkms, "
                "GRUB_DEFAULT, the firmware's Secure Boot variable",
                "Nodes rarely lose their driver while they run: they lose it at the reboot after an "
                "unattended upgrade of the kernel, at night, all of them at once.",
                "Ask before each reboot: `fettle check next-boot`. When it warns, build the module (`dkms "
                "autoinstall -k RELEASE`) or hold the kernel (`apt-mark hold linux-image-generic "
                "linux-headers-generic`). It is never a failure: the node serves until it is rebooted."},
    Explanation{"compat.stack",
                "operating system, kernel, driver and ROCm of this node, as one set, against the table in "
                "/usr/share/fettle/profiles/compat",
                "Each part can be good and the set still be one that was never tested, or that is excluded "
                "for MI300X: such sets fail under load, days later.",
                "`fettle compat` shows the rows around this node, `fettle compat --newest` the newest set "
                "for it. Ask before you upgrade: `fettle compat --rocm 7.1.0`."},
    Explanation{
        "gpu.count", "/sys/bus/pci/devices (vendor 1002) against the profile and KFD",
        "A node with seven GPUs is billed as eight, and every job that wants eight fails at its start.",
        "Not on PCI: power-cycle (a reboot does not reset the baseboard), then the BMC or the provider. On "
        "PCI but not in the driver: `dmesg | grep amdgpu`; a GPU with too many bad pages is refused there."},
    Explanation{"gpu.model", "PCI device ids, against the table in /usr/share/fettle/profiles/gpus.yaml",
                "MI300X, MI308X and MI325X call themselves gfx942 alike and differ by up to four times in "
                "compute units. Only the PCI id tells.",
                "`lspci -nn -d 1002:` shows what is there. Another model means the wrong profile (`fettle "
                "profile show` says which one and why) or the wrong machine. An id that nobody knows yet "
                "goes into a copy of gpus.yaml below /etc/fettle/profiles."},
    Explanation{"gpu.cards", "/sys/class/drm/card*/device, against PCI and /sys/class/kfd/kfd/topology/nodes",
                "The three lists come from different parts of the driver. Where they disagree, a GPU shows "
                "up in one tool and fails in another.",
                "`dmesg | grep -e amdgpu -e kfd` says why the driver refused one; reboot once, and when the "
                "same GPU stays away, power-cycle. In CPX a display of the BMC takes one of 64 DRM minors: "
                "then 63 partitions are all there are."},
    Explanation{
        "gpu.partition", "current_compute_partition and current_memory_partition of each card",
        "In CPX/NPS4 a GPU is eight devices with 24 GB each: models planned for 192 GB do not start. "
        "A mix confuses every launcher.",
        "Stop all that uses the GPUs, then `fettle host apply --yes`: it sets the compute mode, and again "
        "at each start of the driver, which comes up in SPX. The memory mode is yours to set, as "
        "that starts the driver of all GPUs anew, some two minutes: `amd-smi set --gpu all "
        "--memory-partition NPS1`, before you ask for SPX. A guest cannot switch: ask the provider."},
    Explanation{"gpu.memory", "mem_info_vram_total of each card",
                "Tensor parallel work is cut for the smallest GPU; a GPU with less memory ends the job when "
                "it is full.",
                "Drain the node and power-cycle it once. If the same GPU still shows less, it has lost a "
                "stack of memory: have it replaced."},
    Explanation{"gpu.pcie", "current and max link speed and width of each card",
                "A link at half its width halves the loading of weights and the reach of RDMA, and nothing "
                "else tells.",
                "Reboot once: links train at start. If it stays, reseat the GPU or ask the provider for "
                "another node. Virtual machines often do not tell."},
    Explanation{
        "gpu.xgmi", "io_links of type 11 in KFD for each GPU, and xgmi_hive_id of each card",
        "Seven links for each of eight GPUs: with one lacking, collectives go over PCIe and a model on eight "
        "GPUs runs at a fraction. xgmi_error and `rocm-smi --showxgmierr` do not work on MI300.",
        "See gpu.count first: a GPU that is gone takes its links along. Then power-cycle; links are trained "
        "at power-on."},
    Explanation{"ras.errors",
                "ras/aca_* or ras/*_err_count of each card: ue, ce, de since the driver was loaded",
                "An uncorrectable error means that data was lost: the job that met it died or is wrong. "
                "Corrected errors are normal in small numbers.",
                "Drain the node, keep `dmesg`, reboot. The counters start anew: if it comes back on the same "
                "GPU, have it replaced. In a virtual machine the host keeps the counters: unknown here is "
                "not healthy, ask the provider."},
    Explanation{"ras.pages", "ras/gpu_vram_bad_pages of each card: R out of use, P pending, F failed",
                "The driver takes bad memory out of use page by page and gives the GPU up at about 128.",
                "A few are no reason to act. Pending ones leave at the next reboot: drain the node before "
                "it. When they grow from week to week, have the GPU replaced before the driver refuses it."},
    Explanation{"ras.bus", "aer_dev_fatal and aer_dev_nonfatal of each card, the TOTAL lines",
                "PCIe errors that were not corrected end in hung transfers or a GPU that falls off the bus.",
                "`dmesg | grep AER` names the link. A few from one moment can be an accident: reboot, and "
                "watch. When they come back, reseat GPU and riser; on rented hardware, change the node."},
    Explanation{
        "log.gpu",
        "the kernel's own records in /dev/kmsg, by `fettle collect`, against profiles/kernel-log.yaml: "
        "resets, hangs, starts that failed",
        "A reset leaves no counter behind: without the log a node that lost every job ten minutes ago looks "
        "healthy.",
        "`journalctl -k -b --grep amdgpu` has the lines. One reset after one bad job is the job's; the same "
        "GPU twice is the GPU's. Most lines count for a day, those that a boot must mend until it comes."},
    Explanation{
        "log.ras",
        "the kernel's own records, by `fettle collect`: what the driver says of errors in the memory and "
        "engines of the GPUs",
        "Which block failed, and whether a program used the bad data, stands in the log only; in a virtual "
        "machine often nowhere else.",
        "Drain the node after an uncorrectable error, keep `journalctl -k -b`, reboot. Corrected errors are "
        "told as well; alone they are no reason to act, unless they grow on one GPU only."},
    Explanation{"log.bus",
                "the kernel's own records, by `fettle collect`: PCIe errors (AER) and links that went down, "
                "of any device",
                "A bad riser shows as corrected errors first and as a lost GPU weeks later.",
                "The device in the line is one end of the link, `lspci -tv` shows the other. Drain the node, "
                "power it off and reseat card and riser; on rented hardware hand it back with the line."},
    Explanation{"log.storage",
                "the kernel's own records, by `fettle collect`: NVMe timeouts and resets, failed reads and "
                "writes, arrays that lost a drive, file systems that shut themselves down",
                "RAID-0 has no second copy, and an idle array looks clean with a dead drive in it: the "
                "kernel's line is the first sign.",
                "`fettle storage show` names the drive by its serial. After a reset of a drive `fettle shelf "
                "verify` tells whether files are still whole."},
    Explanation{
        "log.host",
        "the kernel's own records, by `fettle collect`: memory that ran out, processors that hung, faults of "
        "the kernel, errors of host memory",
        "A process that was ended for lack of memory restarts and looks well; a kernel that made a mistake "
        "goes on with half of its state.",
        "Read `journalctl -k -b` around the time of the line: it names the process or the device. Memory "
        "that ran out: give the job less, or the node more. After a kernel bug only a reboot makes the node "
        "trustworthy again; machine checks that come back are a module of memory to replace."},
    Explanation{
        "host.cpus", "/sys/devices/system/cpu: which are on line, and who shares socket and core with whom",
        "A socket or half the threads missing halves the memory bandwidth that loading and tokenizing live "
        "on, and the GPUs of that side get their work through the other one.",
        "`lscpu -e` shows what is off line. After an update of the firmware its settings are the defaults "
        "again: look at SMT and at the sockets there. In the cloud, compare with the size that was ordered."},
    Explanation{"host.memory", "MemTotal of /proc/meminfo",
                "Weights pass through the page cache, and pinned buffers must fit beside it. Boards switch a "
                "bad module off silently: 64 GB less and nothing says so.",
                "`dmidecode -t memory` names the empty slot, the BMC's event log the reason. What the kernel "
                "keeps for itself (1 to 2 %) is allowed for in the profile."},
    Explanation{"host.swap", "/proc/swaps: every swap file and partition in use",
                "A server of models that swaps answers in seconds instead of milliseconds and looks healthy "
                "meanwhile; without swap it is ended and started again, which is the better fault.",
                "See in `free -h` that memory has room for what is swapped out, then `swapoff -a`, and take "
                "the line out of /etc/fstab. cloud-init makes it again where its `swap` says so."},
    Explanation{"host.root", "free space of the file system of /, for users without privileges",
                "A full root stops logins, the journal and every upgrade half way. Container images of 20 to "
                "40 GB are what fills it.",
                "Make room first: `journalctl --vacuum-size=1G`, `apt-get clean`, `docker image prune`. Then "
                "let docker keep its data on the cache (`data-root`), so that it does not come back."},
    Explanation{"host.clock", "the kernel's own word whether somebody disciplines its clock (adjtimex)",
                "Tokens and TLS certificates are refused by a clock that is minutes off, and logs of several "
                "nodes cannot be put in order.",
                "`timedatectl` shows who does; `apt install chrony` when nobody does. In a virtual machine "
                "chrony with the host's PTP clock is best; one program only, two fight each other."},
    Explanation{
        "host.infiniband", "/sys/class/infiniband/*/ports/*: state and rate",
        "A port that is down or trained at half rate slows every job that spans nodes to its speed, and jobs "
        "on one node never show it.",
        "`ibstat` names the port. After a switch was rebooted, give links a minute; then try its cable and "
        "the port of the switch. On rented hardware hand the node back: it is their cable."},
    Explanation{"host.groups", "/etc/group, and the mode of /dev/kfd",
                "/dev/kfd and the render nodes belong to groups render and video: who is in neither sees no "
                "GPU, and the error of ROCm says \"no device\", not \"permission denied\".",
                "`usermod -a -G render,video USER`, and a new login. Containers: `--group-add` with the "
                "number of the host's group, for the names differ inside."},
};

}  // namespace

std::span<const Explanation> explanations() {
  return all;
}

}  // namespace fettle::health
