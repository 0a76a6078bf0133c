// Profile: what the operator wants of this node, as read from YAML. Plain values; no rule and no I/O here.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "profile/hours.h"

namespace fettle::profile {

struct Gpus {
  std::string model;  // "MI300X": a name of profiles/gpus.yaml, virtual functions included
  unsigned count = 0;
  std::string compute_partition;  // "SPX"; empty = any, if all GPUs are alike
  std::string memory_partition;   // "NPS1"
  Bytes memory;                   // of each GPU at least; 0 = not asked
};

// What provisioning may do by itself with each state that drives come up in; an operator's
// `fettle storage apply` or `recreate` is not held back by it.
enum class OnAllBlank { create, report };
enum class OnPartialLoss { report, rebuild };
enum class OnOsReimaged { adopt, report };

constexpr std::string_view to_text(OnAllBlank policy) {
  return policy == OnAllBlank::create ? "create" : "report";
}
constexpr std::string_view to_text(OnPartialLoss policy) {
  return policy == OnPartialLoss::report ? "report" : "rebuild";
}
constexpr std::string_view to_text(OnOsReimaged policy) {
  return policy == OnOsReimaged::adopt ? "adopt" : "report";
}

// Which drives may become the cache. Empty `models` matches none: nothing is taken by default.
struct DriveSet {
  std::vector<std::string> models;  // glob patterns on the trimmed sysfs model: "Microsoft NVMe Direct Disk*"
  std::vector<std::string> exclude_models;  // these never, whatever `models` says: "nvme_card-pd*" is remote
  unsigned count = 0;                       // exactly so many, or nothing is created
  OnAllBlank on_all_blank = OnAllBlank::create;
  OnPartialLoss on_partial_loss = OnPartialLoss::report;  // rebuild: drives of ours are emptied for it
  OnOsReimaged on_os_reimaged = OnOsReimaged::adopt;
};

// From where on a drive's numbers are a finding. Its own warning bits always are.
struct DriveLimits {
  unsigned used_percent = 90;         // of the endurance that its maker promises
  unsigned temperature_celsius = 75;  // drives slow themselves down somewhere above
  unsigned media_errors = 0;          // so many are put up with
  unsigned slow_factor = 3;           // times the median of its siblings
};

// Where the cache lives. With `drives` we own the file system; without, `path` is a directory that somebody
// mounted.
struct Cache {
  std::string path;
  std::string said_at;  // "/etc/fettle/fettle.yaml:5:9", where the path is written; empty = the default path
  std::optional<DriveSet> drives;
  unsigned wait_seconds = 60;  // for late drives at boot; then the verdict is "incomplete"
  Bytes reserve;               // free space that staging never uses
  DriveLimits limits;
};

// How compiled code in a directory is told apart, for `fettle jit`; see profile/compiled.h.
enum class Compiled {
  no,          // no compiled code lies there
  by_content,  // by names that hash what it was made from: images may share it
  by_image,    // not at all: each image on each kind of GPU needs a place of its own
};

constexpr std::string_view to_text(Compiled compiled) {
  return compiled == Compiled::no ? "no" : compiled == Compiled::by_content ? "by-content" : "by-image";
}

// One cache directory, one entry: it makes the directory and sets the variable.
struct CacheDirectory {
  std::string name;  // also the directory below the cache path
  // Variables set to the directory's path; may be empty. Those of Compiled::by_image lead to the image's
  // place and are set for its containers alone.
  std::vector<std::string> env;
  mode_t mode = 0755;
  std::string owner;  // user name; empty = root
  std::string group;  // group name; empty = the owner's
  Bytes reserve;      // room kept for it: what it does not use of this yet, staging leaves free
  std::string why;
  Compiled compiled = Compiled::no;
  std::string file;  // by_image: `env` names a file: "{image}_{container}_%d.csv"
  std::string seed;  // by_image: "aiter/jit", the Python package and directory of an image to begin with
  std::vector<std::string> locks;  // glob patterns: files that one who compiles leaves behind when killed
  Bytes quota;  // the most it may hold, kept by the file system of the drives; 0 = no limit of its own
};

// Where a variable is meant to be seen.
enum class Scope { all, host, container };

struct Variable {
  std::string name;
  std::string value;  // "{cache}" in the file is already replaced by the cache path
  Scope scope = Scope::all;
  std::string why;
  std::string source;
};

// A variable that people copy around and that this profile leaves alone, with the reason: for `fettle env
// explain`.
struct NotSet {
  std::string name;
  std::string value;  // what others set it to; may be empty
  std::string why;
  std::string source;
};

// One model repository of a shelf.
struct Repository {
  std::string id;                    // "Qwen/Qwen3-0.6B"
  std::string revision;              // 40 hex digits, or a branch name when `unpinned`
  bool unpinned = false;             // the YAML must say so: a moving branch is a finding
  std::vector<std::string> include;  // glob patterns; empty = everything
  std::vector<std::string> exclude;
};

// Where a shelf comes from.
enum class Source { hub, archive, directory };
std::string_view to_text(Source source);  // as the profile writes it
std::optional<Source> source_of(std::string_view word);

struct Shelf {
  std::string name;
  Source source = Source::hub;
  std::string archive;                   // path of the tar (zstd, gzip or plain) for Source::archive
  std::string directory;                 // path that holds a cache or repository folders, Source::directory
  std::string endpoint;                  // HF_ENDPOINT for Source::hub; empty = the client's default
  std::string proxy;                     // for Source::hub; empty = none
  std::vector<std::string> no_proxy;     // hosts that are asked without it
  unsigned jitter_seconds = 0;           // Source::hub is first asked at a moment of so long after the boot
  Bytes rate;                            // a second; 0 = as fast as it goes
  std::optional<Hours> hours;            // only then anything is fetched; empty = always
  int priority = 0;                      // higher first
  std::vector<Repository> repositories;  // fetched in this order
  std::string why;
};

// The compatibility table: profiles/compat/rocm.yaml. Every `sources` names CompatSource::key.
struct CompatSource {
  std::string key;   // "B2"
  std::string kind;  // "repo": read at that commit; "page": rendered, no commit; "inferred": from neighbours
  std::string repo;
  std::string path;
  std::string commit;
  std::string title;
  std::string note;
};
struct CompatKernel {
  std::string series;  // "6.14"
  std::string track;   // "GA" | "HWE"
  enum class Listed { yes, no, unstated } mi300x = Listed::unstated;
  std::string note;
};
struct CompatUbuntu {
  std::string version;  // "24.04.3"
  std::vector<CompatKernel> kernels;
};
struct CompatRelease {
  std::string rocm;      // "7.0.2"
  std::string stream;    // "legacy" | "preview" | "core-sdk"
  std::string released;  // "2025-10-10", empty when not recorded
  std::string released_source;
  std::vector<std::string> sources;
  std::vector<std::string> drivers;  // "30.10.2", "6.4.x"; empty = not stated, see CompatDriver
  std::vector<std::string> own_driver_tested_with;  // ROCm series tested with the driver of this release
  std::vector<std::string> pytorch;
  std::vector<std::string> firmware;  // MI300X bundles (PLDM) stated with it; empty = not found
  std::string note;
  std::vector<CompatUbuntu> ubuntu;
  std::vector<std::string> other_distributions;
};
struct CompatDriver {
  std::string release;                  // "30.10.2"
  std::string module_version;           // "6.14.14": what /sys/module/amdgpu/version says; empty when unknown
  std::string module_version_verified;  // how sure that is, in words
  std::string package_version;          // beginning of the amdgpu-dkms version; empty when unknown
  std::string shipped_with_rocm;        // "7.0.2", "6.4.x"
  std::vector<std::string> user_space;  // ROCm series: "7.0"; empty = not in the matrix
  std::vector<std::string> sources;
};
// Kernel series of an Ubuntu point release, as the vendor's pages name them.
struct CompatPointRelease {
  std::string version;  // "24.04.3"
  std::string ga;       // "6.8"
  std::string hwe;      // "6.14"; empty when it has none
};
// What a cloud's own image pins, for comparison only.
struct CompatImage {
  std::string image;
  std::string rocm;
  std::string source;
};
struct Compat {
  std::string as_of;  // month of the table: "2026-11"
  std::string driver_rule;
  std::vector<std::string> driver_rule_sources;
  std::vector<CompatSource> sources;
  std::vector<CompatRelease> releases;
  std::vector<CompatDriver> drivers;
  std::vector<CompatPointRelease> ubuntu_kernels;
  std::vector<CompatImage> cloud_images;
};

// One GPU by PCI id: profiles/gpus.yaml.
struct GpuModel {
  unsigned pci_device = 0;  // 0x74a1; vendor is 0x1002 throughout
  std::string name;         // "MI300X VF"
  std::string family;       // "MI300X": what Gpus::model names
  std::string gfx;          // "gfx942"
  bool is_virtual = false;
  std::string note;
  std::vector<std::string> sources;
};

// Where a setting of the host means anything: a guest sees neither the IOMMU nor the idle states of its host.
enum class Where { anywhere, bare_metal, virtual_machine };

// How a setting is read, and how it is kept over a boot.
enum class SettingKind {
  sysctl,  // kernel.numa_balancing: below /proc/sys; sysctl.d
  sysfs,   // a path below /sys, '*' for one directory; tmpfiles.d. Of "always [madvise] never", madvise is it
  module,  // amdgpu.gpu_recovery: a parameter of a loaded module; modprobe.d
  limit,   // memlock: for logins in limits.d, for units as DefaultLimitMEMLOCK
  boot,    // iommu, with value pt: a word of the kernel command line, which is never written, only advised
};

enum class Severity { warning, error };

// One knob of the host; it is also the check host.NAME.
struct Setting {
  std::string name;
  SettingKind kind = SettingKind::sysctl;
  std::string key;
  std::string value;                // what `fettle host apply` writes
  std::vector<std::string> accept;  // values that are as good
  std::string beside;               // "name=C2": only places where the file of that name beside it holds this
  Where where = Where::anywhere;
  Severity severity = Severity::warning;
  std::string why;
  std::string advice;
  std::string source;
};

struct Infiniband {
  unsigned ports = 0;      // active ones, at least
  unsigned rate_gbit = 0;  // of each at least
};

// What is expected of the machine around the GPUs. 0 and empty = not asked.
struct Host {
  unsigned sockets = 0;
  unsigned cores = 0;
  unsigned threads = 0;
  Bytes memory;     // at least
  Bytes root_free;  // on the file system of /, at least
  enum class Swap { any, none } swap = Swap::any;
  enum class Clock { any, synchronised } clock = Clock::any;
  std::optional<Infiniband> infiniband;
  std::vector<std::string> groups;  // each must have members, unless everybody may open /dev/kfd
  std::vector<Setting> settings;
};

// Which machines a profile is for; `profile: auto` takes the one of which most is given, all of it true.
struct Match {
  std::vector<unsigned> pci_devices;  // of vendor 0x1002; each GPU of the machine is one of them
  unsigned count = 0;                 // of such GPUs; 0 = any number but none
  std::string vendor;                 // glob patterns on /sys/class/dmi/id/sys_vendor
  std::string product;                // and product_name
  bool no_gpu = false;                // the machine has no compute GPU of the vendor at all
};

// One thing that the kernel says when something is wrong: profiles/kernel-log.yaml. Each subject is one
// check.
enum class LogSubject { gpu, ras, bus, storage, host };
enum class LogWeight { note, warning, error };  // a note is told and worries nobody

struct LogRule {
  std::string name;
  LogSubject about = LogSubject::host;
  LogWeight severity = LogWeight::warning;
  std::string pattern;  // base/pattern.h, on the message of a record of the kernel
  unsigned hours = 0;   // for how long a line counts; 0 = until the next boot
  std::string means;    // "the GPU was reset": what is told in place of the line
  std::string advice;
  std::string example;  // a line that it matches
  std::vector<std::string> sources;
};

// What the node costs; the ledger turns times into money with it.
struct Price {
  std::int64_t thousandths_per_hour = 0;  // 31.2 = 31200
  std::string currency;                   // "USD": ISO 4217
};

// How a program says what it found: plain is 0 for well and anything else for not; plugin is that of Nagios:
// 0 ok, 1 warning, 2 critical, anything else unknown.
enum class ExitCodes { plain, plugin };

// A check that takes time or the GPUs themselves. It runs only when somebody asks: `fettle check --deep`.
struct DeepCheck {
  std::string name;
  std::vector<std::string> command;  // an absolute path and its arguments; no shell
  ExitCodes codes = ExitCodes::plain;
  unsigned deadline_seconds = 600;
  unsigned hours = 24;   // for how long a result counts
  std::string figure;    // a pattern; the first number behind it in the output has to be `at_least`
  std::string at_least;  // a decimal such as "314" or "47.5"
  std::string why;
  std::string advice;
  std::string source;
};

// An inference engine of this node, and what it is to serve. `fettle engine watch` asks it over loopback.
struct Engine {
  std::string name;
  std::string url;    // "http://127.0.0.1:8000": loopback and a port, nothing behind it
  std::string model;  // as the engine names it; empty = whatever it serves
  // Once it serves, ask it for one token: the time of the first one then stands in the ledger.
  bool first_token = false;
};

struct Profile {
  std::string name;
  std::string file;            // where it was read from
  std::string why;             // what it is for, one sentence
  std::string extends;         // the profile that says what this one does not; empty = none
  std::optional<Match> match;  // for `profile: auto`
  std::string chosen;          // how it came to be this profile, one sentence
  std::optional<Gpus> gpus;
  std::optional<Host> host;
  std::optional<Cache> cache;
  std::vector<CacheDirectory> caches;
  std::vector<Variable> environment;
  std::vector<NotSet> not_set;
  std::vector<DeepCheck> deep;
  std::vector<Shelf> shelves;   // those the configuration wants, by priority, highest first
  std::optional<Price> price;   // of the configuration
  std::vector<Engine> engines;  // of the configuration
  Compat compat;
  std::vector<GpuModel> gpu_models;
  std::vector<LogRule> log_rules;  // with the versions only, as `compat`
};

}  // namespace fettle::profile
