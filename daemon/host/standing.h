// Settings of the host: how one stands, as a finding and as a line of `fettle host`.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"

namespace fettle::host {

// How a setting stands. `absent`: this kernel or machine has no such thing, which is not wrong. `elsewhere`:
// it means nothing on this kind of machine. `pending`: a file says so, the running system does not yet.
enum class Standing { good, wrong, pending, absent, elsewhere, unknown };

std::string_view to_text(Standing standing);

struct SettingJudgement {
  Standing standing = Standing::unknown;
  std::string found;   // "1", "powersave on 96 of 96"; empty when nothing was found
  std::string set_by;  // the file that has the last word; empty = nobody of whom we know
  Error error;         // of unknown
};

SettingJudgement look_at(const profile::Setting& setting, const facts::Facts& facts);

// As a finding of the check host.NAME.
Finding judge(const profile::Setting& setting, const facts::Facts& facts);

// Of all settings that the profile names. `now` is when the facts were gathered.
Findings findings(const facts::Facts& facts, const profile::Profile& profile,
                  std::chrono::system_clock::time_point now);

std::string id_of(const profile::Setting& setting);  // "host.numa_balancing"

// "kernel.numa_balancing = 0", "iommu=pt on the kernel command line": what is wanted, in its own words; also
// the title of the check.
std::string wanted_text(const profile::Setting& setting);

// What `fettle check --explain host.NAME` says; nothing for an id that no setting has.
struct Explanation {
  std::string id;
  std::string reads;
  std::string why;
  std::string advice;
};
std::optional<Explanation> explain(std::string_view id, const profile::Profile& profile);

}  // namespace fettle::host
