// The host around the GPUs: its processors, swap, clock, network ports, and its settings with who set them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "facts/fact.h"
#include "profile/profile.h"
#include "system/files.h"

namespace fettle::facts {

// What the firmware says this is; fields are empty where there is no DMI.
struct Hardware {
  std::string vendor;   // "Microsoft Corporation"
  std::string product;  // "Virtual Machine"
  bool is_virtual = false;
};

struct Cpus {
  unsigned sockets = 0;
  unsigned cores = 0;  // as if all had as many threads as the first
  unsigned threads = 0;
};

struct Swap {
  std::string what;  // "/swap.img"
  Bytes size;
};

struct InfinibandPort {
  std::string device;  // "mlx5_ib0"
  std::string port;    // "1"
  bool is_active = false;
  std::string state;       // "4: ACTIVE" is the kernel's word
  unsigned rate_gbit = 0;  // 400
};

// Who may open the GPUs.
struct GpuAccess {
  // By group; a group that does not exist has no entry.
  std::map<std::string, std::vector<std::string>> members;
  std::map<std::string, unsigned> numbers;
  bool open_to_all = false;  // /dev/kfd has mode 0666, as some clouds set it
};

// One place of a setting and what it holds.
struct SettingPlace {
  std::string where;
  std::string value;
};

// A line of a file that sets it at boot or login.
struct SettingSource {
  std::string file;
  std::string value;
};

struct FoundSetting {
  std::string name;                         // profile::Setting::name
  Fact<std::vector<SettingPlace>> now;      // `missing`: this machine has no such thing
  Fact<std::vector<SettingSource>> set_by;  // the last one wins; empty = nobody of whom we know
};

using FoundSettings = std::vector<FoundSetting>;

// The chosen word of "always [madvise] never", or the whole text.
std::string chosen_word(std::string_view text);

// The value of a word of a kernel command line: "pt" of "iommu=pt"; a word without '=' has an empty one. Of
// several the last counts; quotes are taken off. Nothing when it is not there.
std::optional<std::string> boot_value(std::string_view line, std::string_view key);

}  // namespace fettle::facts
