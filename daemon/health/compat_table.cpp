#include "health/compat_table.h"

#include <algorithm>

namespace fettle::health {

using profile::Compat;
using profile::CompatDriver;
using profile::CompatKernel;
using profile::CompatRelease;
using profile::CompatUbuntu;

bool same(std::string_view a, std::string_view b) {
  const auto left = parse_version(a);
  const auto right = parse_version(b);
  return left && right && *left == *right;
}

bool older(std::string_view a, std::string_view b) {
  const auto left = parse_version(a);
  const auto right = parse_version(b);
  return left && right && *left < *right;
}

bool matches(std::string_view version, std::string_view pattern) {
  if (!pattern.ends_with(".x")) return same(version, pattern);
  const auto left = parse_version(version);
  const auto right = parse_version(pattern);
  return left && right && left->series() == right->series();
}

std::string to_text(const CompatKernel& kernel) {
  return kernel.series + " (" + kernel.track + ")";
}

std::string listing(const std::vector<std::string>& words, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " " + std::string(last) + " " : ", ";
    text += words[i];
  }
  return text;
}

const CompatRelease* find_release(const Compat& table, std::string_view rocm) {
  for (const CompatRelease& release : table.releases) {
    if (same(release.rocm, rocm)) return &release;
  }
  return nullptr;
}

const CompatUbuntu* find_ubuntu(const CompatRelease& release, std::string_view version) {
  for (const CompatUbuntu& ubuntu : release.ubuntu) {
    if (same(ubuntu.version, version)) return &ubuntu;
  }
  return nullptr;
}

Range rocm_range(const Compat& table, const std::function<bool(const CompatRelease&)>& wanted) {
  Range range;
  for (const CompatRelease& release : table.releases) {
    if (release.stream == "preview" || !wanted(release)) continue;
    if (range.first.empty() || older(release.rocm, range.first)) range.first = release.rocm;
    if (range.last.empty() || older(range.last, release.rocm)) range.last = release.rocm;
  }
  return range;
}

std::string to_text(const Range& range) {
  return range.first == range.last ? "ROCm " + range.first : "ROCm " + range.first + " to " + range.last;
}

Range releases_with_ubuntu(const Compat& table, std::string_view version) {
  return rocm_range(table,
                    [&](const CompatRelease& release) { return find_ubuntu(release, version) != nullptr; });
}

std::string table_of(const Compat& table) {
  return table.as_of.empty() ? "the table" : "the table of " + table.as_of;
}

bool above_all(std::string_view version, const std::vector<std::string>& known) {
  return !known.empty() &&
         std::all_of(known.begin(), known.end(), [&](const std::string& one) { return older(one, version); });
}

std::vector<std::string> all_ubuntu(const Compat& table) {
  std::vector<std::string> all;
  for (const CompatRelease& release : table.releases) {
    for (const CompatUbuntu& ubuntu : release.ubuntu) all.push_back(ubuntu.version);
  }
  return all;
}

std::vector<std::string> all_kernels(const Compat& table) {
  std::vector<std::string> all;
  for (const CompatRelease& release : table.releases) {
    for (const CompatUbuntu& ubuntu : release.ubuntu) {
      for (const CompatKernel& kernel : ubuntu.kernels) all.push_back(kernel.series);
    }
  }
  return all;
}

std::vector<std::string> all_drivers(const Compat& table) {
  std::vector<std::string> all;
  for (const CompatDriver& driver : table.drivers) all.push_back(driver.release);
  for (const CompatRelease& release : table.releases) {
    all.insert(all.end(), release.drivers.begin(), release.drivers.end());
  }
  return all;
}

bool driver_fits(std::string_view driver, const CompatRelease& release, const Compat& table) {
  const auto match = [&](const std::string& pattern) { return matches(driver, pattern); };
  if (std::any_of(release.drivers.begin(), release.drivers.end(), match)) return true;
  const auto rocm = parse_version(release.rocm);
  return rocm && std::any_of(table.drivers.begin(), table.drivers.end(), [&](const CompatDriver& row) {
           return matches(driver, row.release) && std::find(row.user_space.begin(), row.user_space.end(),
                                                            rocm->series()) != row.user_space.end();
         });
}

std::vector<std::string> kernels_for_mi300x(const CompatUbuntu& ubuntu) {
  std::vector<std::string> kernels;
  for (const CompatKernel& kernel : ubuntu.kernels) {
    if (kernel.mi300x == CompatKernel::Listed::yes) kernels.push_back(to_text(kernel));
  }
  return kernels;
}

}  // namespace fettle::health
