// Does this combination of operating system, kernel, driver and ROCm stand in the vendor's compatibility
// table? A pure function of the question and the table; used by the check compat.stack and by "what if"
// questions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"
#include "base/version.h"
#include "profile/profile.h"

namespace fettle::health {

enum class Verdict {
  supported,           // every part of it is listed together
  flavour_not_listed,  // the kernel series is listed, its flavour (-azure, -aws) is not named by anybody
  newer_than_table,    // some part is newer than the table: nothing is known against it
  not_listed,          // the table knows better combinations than this one
  excluded,            // listed, but excluded for MI300X by name
};

std::string_view to_text(Verdict verdict);

// pass for supported; warn where nothing speaks against it; fail for the rest.
Status status_of(Verdict verdict);

// An empty field is not asked about, except that `os_id`, `os_release` and `kernel_series` are needed.
struct Question {
  std::string os_id = "ubuntu";
  std::string os_release;      // "24.04.3"
  std::string kernel_series;   // "6.14"
  std::string kernel_flavour;  // "generic"
  std::string rocm;            // "7.0.2"; empty = none on the host: any release of the table will do
  std::string driver_release;  // "30.10.2"
  std::string driver_module;   // "6.14.14": stands in for a release that nobody knows
};

struct Answer {
  Verdict verdict = Verdict::not_listed;
  std::string why;
  std::string hint;
};

// The table must have releases: an empty one lists nothing, which would be taken for an answer.
Answer judge(const Question& question, const profile::Compat& table);

// What the table says of one part alone. `supported` = it occurs in some row.
Answer judge_os(std::string_view id, std::string_view release, const profile::Compat& table);
Answer judge_kernel(std::string_view os_release, std::string_view series, const profile::Compat& table);
Answer judge_driver(std::string_view release, const profile::Compat& table);
Answer judge_rocm(std::string_view version, const profile::Compat& table);

// The driver releases that have this module version; 6.14.14 is the module of three.
std::vector<std::string> releases_of_module(std::string_view module_version, const profile::Compat& table);

}  // namespace fettle::health
