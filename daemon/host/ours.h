// Our files: where settings of the host are kept, and how a file is known to be ours.
//
// Each kind of setting has the place that Debian gives it. A file that does not begin with our first line is
// somebody's, and is neither overwritten nor removed.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "profile/profile.h"
#include "system/files.h"

namespace fettle::host {

// 90: behind what distributions and images ship, before what an operator numbers 99.
inline constexpr std::string_view sysctl_file = "/etc/sysctl.d/90-fettle.conf";
inline constexpr std::string_view tmpfiles_file = "/etc/tmpfiles.d/90-fettle.conf";
inline constexpr std::string_view modprobe_file = "/etc/modprobe.d/90-fettle.conf";
inline constexpr std::string_view limits_file = "/etc/security/limits.d/90-fettle.conf";
inline constexpr std::string_view units_file = "/etc/systemd/system.conf.d/90-fettle.conf";
inline constexpr std::string_view sessions_file = "/etc/systemd/user.conf.d/90-fettle.conf";

inline constexpr std::string_view udev_file = "/etc/udev/rules.d/90-fettle.rules";

inline constexpr std::array our_files{sysctl_file, tmpfiles_file, modprobe_file, limits_file,
                                      units_file,  sessions_file, udev_file};

inline constexpr std::string_view first_line =
    "# Written by `fettle host apply`; `fettle host revert` removes it. Changes here are lost.";

// What stood in a place before we first wrote to it: a comment of our file remembers it for revert.
struct Before {
  std::string path;
  std::string value;
};

struct OurFile {
  std::string content;  // empty = there is none
  bool is_foreign = false;
  std::vector<Before> before;
};

// By path, all of our_files. Anything that cannot be read fails as a whole: nobody may plan on half of it.
using OurFiles = std::map<std::string_view, OurFile>;
Result<OurFiles> look(const system::Files& files);

// The comment, and what one says.
std::string before_line(const Before& before);

}  // namespace fettle::host
