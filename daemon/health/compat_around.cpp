#include "health/compat_around.h"

#include <algorithm>

#include "health/compat_table.h"

namespace fettle::health {
namespace {

using profile::Compat;
using profile::CompatDriver;
using profile::CompatKernel;
using profile::CompatRelease;
using profile::CompatUbuntu;

bool is_inferred(const CompatRelease& release, const Compat& table) {
  return std::any_of(table.sources.begin(), table.sources.end(), [&](const profile::CompatSource& source) {
    return source.kind == "inferred" &&
           std::find(release.sources.begin(), release.sources.end(), source.key) != release.sources.end();
  });
}

std::string word(CompatKernel::Listed listed) {
  switch (listed) {
    case CompatKernel::Listed::yes:
      return "yes";
    case CompatKernel::Listed::no:
      return "no";
    case CompatKernel::Listed::unstated:
      return "unstated";
  }
  return "unstated";
}

void add_once(std::vector<std::string>& all, const std::string& one) {
  if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
}

std::vector<const CompatRelease*> releases_oldest_first(const Compat& table) {
  std::vector<const CompatRelease*> all;
  for (const CompatRelease& release : table.releases) all.push_back(&release);
  std::stable_sort(all.begin(), all.end(),
                   [](const CompatRelease* a, const CompatRelease* b) { return older(a->rocm, b->rocm); });
  return all;
}

// The question's own driver when it goes with the release, else the first of the release's page, which is its
// newest, else the newest whose matrix row has the series.
std::string driver_for(const Question& question, const CompatRelease& release, const Compat& table) {
  if (!question.driver_release.empty() && driver_fits(question.driver_release, release, table))
    return question.driver_release;
  if (!release.drivers.empty()) return release.drivers.front();
  std::string best;
  for (const CompatDriver& driver : table.drivers) {
    if (driver_fits(driver.release, release, table) && (best.empty() || older(best, driver.release)))
      best = driver.release;
  }
  return best;
}

const CompatKernel* find_kernel(const CompatUbuntu& ubuntu, std::string_view series) {
  for (const CompatKernel& kernel : ubuntu.kernels) {
    if (same(kernel.series, series) && kernel.mi300x == CompatKernel::Listed::yes) return &kernel;
  }
  return nullptr;
}

const CompatKernel* last_kernel(const CompatUbuntu& ubuntu) {
  const CompatKernel* last = nullptr;
  for (const CompatKernel& kernel : ubuntu.kernels) {
    if (kernel.mi300x == CompatKernel::Listed::yes) last = &kernel;
  }
  return last;
}

}  // namespace

Around around(const Question& question, const Compat& table) {
  Around found;
  const auto releases = releases_oldest_first(table);
  for (const CompatRelease* const release : releases) {
    const CompatUbuntu* const ubuntu = find_ubuntu(*release, question.os_release);
    if (ubuntu == nullptr || question.os_id != "ubuntu") continue;
    for (const CompatKernel& kernel : ubuntu->kernels) add_once(found.kernels, to_text(kernel));
  }
  std::stable_sort(found.kernels.begin(), found.kernels.end(),
                   [](const std::string& a, const std::string& b) { return older(a, b); });
  for (const CompatRelease* const release : releases) {
    const CompatUbuntu* const ubuntu = find_ubuntu(*release, question.os_release);
    if (ubuntu == nullptr || question.os_id != "ubuntu") continue;
    AroundRow row{.rocm = release->rocm, .is_preview = release->stream == "preview"};
    for (const std::string& column : found.kernels) {
      const auto at = std::find_if(ubuntu->kernels.begin(), ubuntu->kernels.end(),
                                   [&](const CompatKernel& kernel) { return to_text(kernel) == column; });
      row.kernels.push_back(at == ubuntu->kernels.end() ? "-" : word(at->mi300x));
    }
    Question with_it = question;
    with_it.rocm = release->rocm;
    row.verdict = judge(with_it, table).verdict;
    row.drivers = release->drivers;
    found.rows.push_back(std::move(row));
  }
  return found;
}

std::optional<Newest> newest(const Question& question, const Compat& table) {
  if (question.os_id != "ubuntu") return std::nullopt;
  const CompatRelease* with_kernel = nullptr;
  const CompatRelease* with_system = nullptr;
  for (const CompatRelease* const release : releases_oldest_first(table)) {
    const CompatUbuntu* const ubuntu = find_ubuntu(*release, question.os_release);
    if (ubuntu == nullptr || last_kernel(*ubuntu) == nullptr) continue;
    if (release->stream == "preview" || is_inferred(*release, table)) continue;
    with_system = release;
    if (find_kernel(*ubuntu, question.kernel_series) != nullptr) with_kernel = release;
  }
  const CompatRelease* const best = with_kernel != nullptr ? with_kernel : with_system;
  if (best == nullptr) return std::nullopt;
  const CompatUbuntu& ubuntu = *find_ubuntu(*best, question.os_release);
  const CompatKernel* const kernel =
      with_kernel != nullptr ? find_kernel(ubuntu, question.kernel_series) : last_kernel(ubuntu);
  return Newest{best->rocm, to_text(*kernel), driver_for(question, *best, table), best->sources};
}

std::vector<std::string> sources_of(const Question& question, const Compat& table) {
  std::vector<std::string> keys;
  for (const CompatRelease& release : table.releases) {
    const bool asked = question.rocm.empty() ? find_ubuntu(release, question.os_release) != nullptr
                                             : same(release.rocm, question.rocm);
    if (!asked) continue;
    for (const std::string& key : release.sources) add_once(keys, key);
  }
  for (const CompatDriver& driver : table.drivers) {
    const bool asked = question.driver_release.empty() ? same(driver.module_version, question.driver_module)
                                                       : matches(question.driver_release, driver.release);
    if (!asked) continue;
    for (const std::string& key : driver.sources) add_once(keys, key);
  }
  return keys;
}

std::string describe(const profile::CompatSource& source) {
  std::string text = source.repo.empty() ? source.title : source.repo;
  if (!source.path.empty()) text += " " + source.path;
  if (!source.commit.empty()) text += " @ " + source.commit;
  if (source.note.empty()) return text;
  return text.empty() ? source.note : text + " (" + source.note + ")";
}

std::string remark_on(const Question& question, const Compat& table) {
  const CompatRelease* const release = find_release(table, question.rocm);
  return release == nullptr ? std::string() : release->note;
}

}  // namespace fettle::health
