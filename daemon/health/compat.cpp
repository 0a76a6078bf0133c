#include "health/compat.h"

#include <algorithm>
#include <optional>

#include "health/compat_table.h"

namespace fettle::health {
namespace {

using profile::Compat;
using profile::CompatDriver;
using profile::CompatKernel;
using profile::CompatRelease;
using profile::CompatUbuntu;

// Only long-term releases are ever listed: April of an even year.
bool is_interim(std::string_view ubuntu) {
  const auto version = parse_version(ubuntu);
  if (!version || version->numbers.size() < 2) return false;
  return version->numbers[0] % 2 != 0 || version->numbers[1] != 4;
}

std::string boot_one_of(const CompatUbuntu& ubuntu) {
  const auto kernels = kernels_for_mi300x(ubuntu);
  return kernels.empty() ? "use another point release of Ubuntu, or another ROCm"
                         : "boot kernel " + listing(kernels, "or");
}

std::string with_note(std::string text, const std::string& note) {
  return note.empty() ? text : std::move(text) + ": " + note;
}

// Each judge of a part gives nothing when the part is fine.
std::optional<Answer> against_os(const Question& question, const CompatRelease& release,
                                 const Compat& table) {
  if (find_ubuntu(release, question.os_release) != nullptr) return std::nullopt;
  const std::string name = "Ubuntu " + question.os_release;
  std::vector<std::string> listed;
  for (const CompatUbuntu& ubuntu : release.ubuntu) listed.push_back(ubuntu.version);
  const Range range = releases_with_ubuntu(table, question.os_release);
  const std::string use = "use Ubuntu " + listing(listed, "or");
  if (range.first.empty()) {
    Answer answer = judge_os(question.os_id, question.os_release, table);
    if (answer.verdict == Verdict::not_listed) answer.hint = use;
    return answer;
  }
  std::string why = name + " is not listed with ROCm " + release.rocm;
  if (older(release.rocm, range.first))
    why = name + " is first listed with ROCm " + range.first + ", not with " + release.rocm;
  if (older(range.last, release.rocm))
    why = name + " is last listed with ROCm " + range.last + ", not with " + release.rocm;
  return Answer{Verdict::not_listed, why, "install " + to_text(range) + ", or " + use};
}

std::optional<Answer> against_kernel(const Question& question, const CompatRelease& release,
                                     const Compat& table) {
  const CompatUbuntu& ubuntu = *find_ubuntu(release, question.os_release);
  const std::string where = "on Ubuntu " + ubuntu.version + " with ROCm " + release.rocm;
  for (const CompatKernel& kernel : ubuntu.kernels) {
    if (!same(kernel.series, question.kernel_series)) continue;
    if (kernel.mi300x == CompatKernel::Listed::yes) return std::nullopt;
    const std::string name = "kernel " + to_text(kernel);
    if (kernel.mi300x == CompatKernel::Listed::no) {
      return Answer{Verdict::excluded, with_note(name + " is excluded for MI300X " + where, kernel.note),
                    boot_one_of(ubuntu)};
    }
    return Answer{Verdict::not_listed,
                  with_note("nobody states whether MI300X works with " + name + " " + where, kernel.note),
                  "use a ROCm release whose page lists MI300X with this kernel"};
  }
  if (above_all(question.kernel_series, all_kernels(table))) {
    return Answer{Verdict::newer_than_table,
                  "kernel " + question.kernel_series + " is newer than " + table_of(table),
                  "look for a newer table, or " + boot_one_of(ubuntu)};
  }
  std::vector<std::string> listed;
  for (const CompatKernel& kernel : ubuntu.kernels) listed.push_back(to_text(kernel));
  return Answer{
      Verdict::not_listed,
      "kernel " + question.kernel_series + " is not listed " + where + ", only " + listing(listed, "and"),
      boot_one_of(ubuntu)};
}

std::optional<Answer> against_driver(const Question& question, const CompatRelease& release,
                                     const Compat& table) {
  std::vector<std::string> candidates;
  std::string name;
  if (!question.driver_release.empty()) {
    candidates = {question.driver_release};
    name = "driver " + question.driver_release;
  } else if (!question.driver_module.empty()) {
    candidates = releases_of_module(question.driver_module, table);
    name = "driver module " + question.driver_module;
    if (!candidates.empty()) name += " (" + listing(candidates, "and") + ")";
  } else {
    return std::nullopt;
  }
  // Which of the candidates runs is not known, so all of them have to fit.
  const auto fits = [&](const std::string& one) { return driver_fits(one, release, table); };
  if (!candidates.empty() && std::all_of(candidates.begin(), candidates.end(), fits)) return std::nullopt;
  const std::string suggestion = release.drivers.empty()
                                     ? std::string("see the driver's page for its ROCm releases")
                                     : "install driver " + release.drivers.front();
  if (!question.driver_release.empty() && above_all(question.driver_release, all_drivers(table))) {
    return Answer{Verdict::newer_than_table, name + " is newer than " + table_of(table),
                  "look for a newer table; until then " + suggestion};
  }
  return Answer{Verdict::not_listed, name + " is not listed with ROCm " + release.rocm, suggestion};
}

// `rocm` names the release, or the range of them when the host has none.
Answer judge_release(const Question& question, const CompatRelease& release, const Compat& table,
                     const std::string& rocm) {
  if (auto answer = against_os(question, release, table)) return *answer;
  if (auto answer = against_kernel(question, release, table)) return *answer;
  if (auto answer = against_driver(question, release, table)) return *answer;
  std::string stack = "Ubuntu " + question.os_release + ", kernel " + question.kernel_series;
  if (!question.driver_release.empty()) stack += ", driver " + question.driver_release;
  stack += ", " + rocm;
  if (!question.kernel_flavour.empty() && question.kernel_flavour != "generic") {
    return {Verdict::flavour_not_listed,
            stack + ": listed for generic kernels, nobody names the flavour " + question.kernel_flavour,
            "nothing is known against it; a generic kernel of series " + question.kernel_series +
                " would be listed"};
  }
  return {Verdict::supported, stack + ": listed for MI300X", {}};
}

Answer judge_release(const Question& question, const CompatRelease& release, const Compat& table) {
  return judge_release(question, release, table, "ROCm " + release.rocm);
}

// How good a verdict is, best first, for "any ROCm will do".
int rank(Verdict verdict) {
  switch (verdict) {
    case Verdict::supported:
      return 0;
    case Verdict::flavour_not_listed:
      return 1;
    case Verdict::newer_than_table:
      return 2;
    case Verdict::excluded:
      return 3;
    case Verdict::not_listed:
      return 4;
  }
  return 4;
}

}  // namespace

std::string_view to_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::supported:
      return "supported";
    case Verdict::flavour_not_listed:
      return "flavour_not_listed";
    case Verdict::newer_than_table:
      return "newer_than_table";
    case Verdict::not_listed:
      return "not_listed";
    case Verdict::excluded:
      return "excluded";
  }
  return "not_listed";
}

Status status_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::supported:
      return Status::pass;
    case Verdict::flavour_not_listed:
    case Verdict::newer_than_table:
      return Status::warn;
    case Verdict::not_listed:
    case Verdict::excluded:
      return Status::fail;
  }
  return Status::fail;
}

std::vector<std::string> releases_of_module(std::string_view module_version, const Compat& table) {
  std::vector<std::string> releases;
  for (const CompatDriver& driver : table.drivers) {
    if (same(driver.module_version, module_version)) releases.push_back(driver.release);
  }
  return releases;
}

Answer judge_os(std::string_view id, std::string_view release, const Compat& table) {
  if (id != "ubuntu") {
    return {Verdict::not_listed,
            "'" + std::string(id) + " " + std::string(release) + "' is not Ubuntu; the table has Ubuntu only",
            "run Ubuntu 24.04 on the host"};
  }
  const std::string name = "Ubuntu " + std::string(release);
  const Range range = releases_with_ubuntu(table, release);
  if (!range.first.empty()) return {Verdict::supported, name + " is listed with " + to_text(range), {}};
  if (!is_interim(release) && above_all(release, all_ubuntu(table))) {
    return {Verdict::newer_than_table, name + " is newer than " + table_of(table), "look for a newer table"};
  }
  return {Verdict::not_listed, name + " is not in " + table_of(table),
          is_interim(release)
              ? "the vendor tests on releases with long-term support only: `fettle compat` shows which; "
                "there is no way back but installing one anew"
              : "update the point release: `apt full-upgrade`"};
}

Answer judge_kernel(std::string_view os_release, std::string_view series, const Compat& table) {
  std::vector<std::string> listed;
  std::string track;
  const Range range = rocm_range(table, [&](const CompatRelease& release) {
    const CompatUbuntu* const ubuntu = find_ubuntu(release, os_release);
    if (ubuntu == nullptr) return false;
    bool found = false;
    for (const CompatKernel& kernel : ubuntu->kernels) {
      if (kernel.mi300x != CompatKernel::Listed::yes) continue;
      const std::string text = to_text(kernel);
      if (std::find(listed.begin(), listed.end(), text) == listed.end()) listed.push_back(text);
      if (same(kernel.series, series)) {
        found = true;
        track = kernel.track;
      }
    }
    return found;
  });
  const std::string name = "kernel " + std::string(series);
  const std::string where = "Ubuntu " + std::string(os_release);
  if (!range.first.empty()) {
    return {
        Verdict::supported, name + " (" + track + ") is listed for " + where + " with " + to_text(range), {}};
  }
  if (above_all(series, all_kernels(table))) {
    return {Verdict::newer_than_table, name + " is newer than " + table_of(table), "look for a newer table"};
  }
  return {Verdict::not_listed, name + " is not listed for MI300X on " + where,
          listed.empty() ? "no kernel is listed for it: use another point release"
                         : "boot kernel " + listing(listed, "or")};
}

Answer judge_driver(std::string_view release, const Compat& table) {
  const std::string name = "driver " + std::string(release);
  const auto known = all_drivers(table);
  const auto match = [&](const std::string& pattern) { return matches(release, pattern); };
  if (std::any_of(known.begin(), known.end(), match))
    return {Verdict::supported, name + " is in " + table_of(table), {}};
  if (above_all(release, known)) {
    return {Verdict::newer_than_table, name + " is newer than " + table_of(table), "look for a newer table"};
  }
  return {Verdict::not_listed, name + " is not in " + table_of(table),
          "install a driver that the ROCm release lists"};
}

Answer judge_rocm(std::string_view version, const Compat& table) {
  const std::string name = "ROCm " + std::string(version);
  if (const CompatRelease* const release = find_release(table, version)) {
    if (release->stream == "preview") {
      return {Verdict::not_listed, name + " is a preview, not for production", "install a release"};
    }
    return {Verdict::supported, name + " is in " + table_of(table), {}};
  }
  std::vector<std::string> known;
  for (const CompatRelease& release : table.releases) known.push_back(release.rocm);
  if (above_all(version, known)) {
    return {Verdict::newer_than_table, name + " is newer than " + table_of(table), "look for a newer table"};
  }
  return {Verdict::not_listed, name + " is not in " + table_of(table), "install a release of the table"};
}

Answer judge(const Question& question, const Compat& table) {
  if (question.os_id != "ubuntu") return judge_os(question.os_id, question.os_release, table);
  if (!question.rocm.empty()) {
    const CompatRelease* const release = find_release(table, question.rocm);
    return release != nullptr ? judge_release(question, *release, table) : judge_rocm(question.rocm, table);
  }
  // No ROCm on the host: containers bring theirs, so the best that any release says counts. Of equally good
  // ones the later, whose page knows more.
  const CompatRelease* best = nullptr;
  Verdict verdict = Verdict::not_listed;
  for (const CompatRelease& release : table.releases) {
    const Verdict one = judge_release(question, release, table).verdict;
    if (best != nullptr && rank(one) > rank(verdict)) continue;
    best = &release;
    verdict = one;
  }
  if (best == nullptr)
    return {Verdict::not_listed, "the table is empty", "install the package's own table again"};
  const Range range = rocm_range(table, [&](const CompatRelease& release) {
    return judge_release(question, release, table).verdict == verdict;
  });
  return judge_release(question, *best, table, "any of " + to_text(range) + " in containers");
}

}  // namespace fettle::health
