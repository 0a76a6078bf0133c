#include "storage/quota.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace fettle::storage {
namespace {

// Far from the numbers that docker counts up from its own directory's, and that kubelet gives from 1048577
// on; docker has room for its layers.
constexpr system::Project first_project = 0x46540000;
constexpr system::Project between = 0x10000;
constexpr system::Project after_last = 0x7FFF0000;

// Nearly used up: less than a tenth is left.
constexpr std::uint64_t least_part = 10;

bool is_ours(system::Project project) {
  return project >= first_project && project < after_last && project % between == 0;
}

class Numbers {
 public:
  explicit Numbers(const std::vector<SeenQuota>& seen) {
    for (const SeenQuota& each : seen) {
      if (each.project) taken_.insert(*each.project);
    }
  }

  system::Project next() {
    system::Project project = first_project;
    while (!taken_.insert(project).second) project += between;
    return project;
  }

 private:
  std::set<system::Project> taken_;
};

bool is_shared(const std::vector<SeenQuota>& seen, const SeenQuota& one) {
  return std::count_if(seen.begin(), seen.end(), [&](const SeenQuota& other) {
           return other.project && *other.project == *one.project;
         }) > 1;
}

Bytes rounded(Bytes size) {
  constexpr std::uint64_t block = 512;
  return {(size.count + block - 1) / block * block};
}

Result<void> do_step(const QuotaStep& step, const system::Files& files) {
  // The limit first: a number that marks the files stands for nothing without it.
  if (auto limited = system::set_limit(files, step.path, step.project, step.limit); !limited) return limited;
  if (step.mark == QuotaStep::Mark::has_it) return {};
  return system::set_project(files, step.path, step.project);
}

}  // namespace

bool wants_quotas(const profile::Profile& profile) {
  return profile.cache && profile.cache->drives &&
         std::any_of(profile.caches.begin(), profile.caches.end(),
                     [](const profile::CacheDirectory& directory) { return directory.quota.count != 0; });
}

std::vector<SeenQuota> look_at_quotas(const profile::Profile& profile, const system::Files& files) {
  std::vector<SeenQuota> all;
  if (!profile.cache || !profile.cache->drives) return all;
  for (const profile::CacheDirectory& directory : profile.caches) {
    SeenQuota seen;
    seen.path = profile.cache->path + "/" + directory.name;
    seen.wanted = directory.quota;
    seen.project = system::project_of(files, seen.path);
    if (seen.project && *seen.project != 0) seen.limit = system::limit_of(files, seen.path, *seen.project);
    all.push_back(std::move(seen));
  }
  return all;
}

QuotaPlan plan_quotas(const std::vector<SeenQuota>& seen) {
  QuotaPlan plan;
  Numbers numbers(seen);
  for (const SeenQuota& each : seen) {
    if (!each.project) {
      if (each.wanted.count != 0) plan.not_in_force.push_back(each.project.error());
      continue;
    }
    // A number of somebody's that a quota is taken from, or that was copied, is replaced.
    const bool has_number = is_ours(*each.project) && !is_shared(seen, each);
    if (each.wanted.count == 0) {
      // Mounted without quotas there is nothing to take back.
      if (!has_number || !each.limit || each.limit->count == 0) continue;
      plan.steps.push_back({each.path, *each.project, QuotaStep::Mark::has_it, Bytes{},
                            "take the limit off '" + each.path + "'"});
      continue;
    }
    if (has_number && !each.limit) {
      plan.not_in_force.push_back(each.limit.error());
      continue;
    }
    if (has_number && *each.limit == rounded(each.wanted)) continue;
    plan.steps.push_back({each.path, has_number ? *each.project : numbers.next(),
                          has_number ? QuotaStep::Mark::has_it : QuotaStep::Mark::give, each.wanted,
                          "limit '" + each.path + "' to " + to_text(each.wanted)});
  }
  return plan;
}

std::vector<Applied> apply(const QuotaPlan& plan, const system::Files& files,
                           std::vector<std::string>& warnings) {
  std::vector<Applied> all;
  for (const Error& error : plan.not_in_force) warnings.push_back(error.said + "; " + error.hint);
  for (const QuotaStep& step : plan.steps) {
    const auto done = do_step(step, files);
    all.push_back({step.says, done ? Outcome::changed : Outcome::failed});
    if (!done) warnings.push_back(done.error().said + "; " + done.error().hint);
  }
  return all;
}

std::vector<QuotaUse> look_at_quota_use(const profile::Profile& profile,
                                        const Result<std::vector<facts::Mount>>& mounts,
                                        const system::Files& files) {
  std::vector<QuotaUse> all;
  if (!wants_quotas(profile)) return all;
  const std::string& cache = profile.cache->path;
  const bool is_there = mounts && std::any_of(mounts->begin(), mounts->end(), [&](const facts::Mount& mount) {
                          return mount.where == cache;
                        });
  for (const profile::CacheDirectory& directory : profile.caches) {
    if (directory.quota.count == 0) continue;
    Result<system::Space> space =
        fail(Why::missing, "cannot tell the quotas: nothing is mounted on '" + cache + "'",
             "see the check cache.mounted");
    if (is_there) space = files.space(cache + "/" + directory.name);
    all.push_back({directory.name, directory.quota, std::move(space)});
  }
  return all;
}

bool is_in_force(const QuotaUse& use) {
  constexpr std::uint64_t largest_block = 64U << 10U;  // of XFS; statfs counts in blocks
  return use.space && use.space->total.count <= use.wanted.count + largest_block;
}

NamedFinding quota_finding(const std::vector<QuotaUse>& uses, std::chrono::system_clock::time_point now) {
  NamedFinding named{"cache.quota", "quotas of the cache directories",
                     not_applicable("the profile wants no quota for a directory of drives"), now};
  std::string not_in_force;
  std::string nearly_full;
  for (const QuotaUse& use : uses) {
    if (!use.space) {
      named.finding = unknown(use.space.error());
      return named;
    }
    if (!is_in_force(use)) {
      not_in_force += (not_in_force.empty() ? "" : ", ") + use.name;
    } else if (use.space->available.count < use.wanted.count / least_part) {
      nearly_full += (nearly_full.empty() ? "" : ", ") + use.name + " has " + to_text(use.space->available) +
                     " of " + to_text(use.wanted) + " left";
    }
  }
  if (!not_in_force.empty()) {
    named.finding = {Status::warn, "not in force for " + not_in_force,
                     "a cache that was mounted before a quota was wanted gets it at the next boot; "
                     "`systemctl restart fettle-cache.service` tells what else is in the way"};
  } else if (!nearly_full.empty()) {
    named.finding = {Status::warn, nearly_full,
                     "take away what it holds and nobody needs, or give it a larger `quota` in the profile; "
                     "writers there will be told that no space is left"};
  } else if (!uses.empty()) {
    named.finding = {
        Status::pass, count_of(uses.size(), "directory", "directories") + " within the quota", {}};
  }
  return named;
}

}  // namespace fettle::storage
