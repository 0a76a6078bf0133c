// Questions to the compatibility table that several verdicts ask.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/version.h"
#include "profile/profile.h"

namespace fettle::health {

// By number: 30.10 is 30.10.0. False when one of them is no version.
bool same(std::string_view a, std::string_view b);
bool older(std::string_view a, std::string_view b);

// As same(), but a pattern "6.4.x" is the whole series.
bool matches(std::string_view version, std::string_view pattern);

const profile::CompatRelease* find_release(const profile::Compat& table, std::string_view rocm);
const profile::CompatUbuntu* find_ubuntu(const profile::CompatRelease& release, std::string_view version);

// The oldest and newest ROCm whose rows satisfy `wanted`, previews left out: nobody should be sent to one.
// Both empty when none does.
struct Range {
  std::string first;
  std::string last;
};
Range rocm_range(const profile::Compat& table,
                 const std::function<bool(const profile::CompatRelease&)>& wanted);
Range releases_with_ubuntu(const profile::Compat& table, std::string_view version);
std::string to_text(const Range& range);

// Everything of one kind that stands anywhere in the table, with repetitions.
std::vector<std::string> all_ubuntu(const profile::Compat& table);
std::vector<std::string> all_kernels(const profile::Compat& table);
std::vector<std::string> all_drivers(const profile::Compat& table);

// True when `version` is above everything in `known`, and there is something.
bool above_all(std::string_view version, const std::vector<std::string>& known);

// A release's own page lists drivers; the vendor's driver matrix lists ROCm series for each driver. Either
// will do.
bool driver_fits(std::string_view driver, const profile::CompatRelease& release,
                 const profile::Compat& table);

std::string to_text(const profile::CompatKernel& kernel);  // "6.8 (GA)"
std::vector<std::string> kernels_for_mi300x(
    const profile::CompatUbuntu& ubuntu);            // those listed, as such texts
std::string table_of(const profile::Compat& table);  // "the table of 2026-11"
// "a, b or c"; `last` is the word before the last one.
std::string listing(const std::vector<std::string>& words, std::string_view last);

}  // namespace fettle::health
