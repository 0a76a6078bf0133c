// Quotas of cache directories: the most that each may hold, kept by the file system of the drives. The number
// that ties a directory to its quota stands in the directory itself, so it is as old as the cache and nothing
// else has to remember it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"
#include "storage/apply.h"
#include "system/files.h"
#include "system/quota.h"

namespace fettle::storage {

struct SeenQuota {
  std::string path;
  Bytes wanted;                          // 0 = none
  Result<system::Project> project = 0U;  // of the directory
  Result<Bytes> limit = Bytes{};         // of that project; not asked for without one
};

struct QuotaStep {
  std::string path;
  system::Project project = 0;
  enum class Mark { give, has_it } mark = Mark::has_it;
  Bytes limit;
  std::string says;  // "limit '/srv/fettle/docker' to 500.0 GiB"
};

struct QuotaPlan {
  std::vector<QuotaStep> steps;
  std::vector<Error> not_in_force;  // those that cannot be set now
};

// Does the profile want one for any directory? Then the cache has to be mounted with project quotas.
bool wants_quotas(const profile::Profile& profile);

// Of the directories of a cache on drives; none for another.
std::vector<SeenQuota> look_at_quotas(const profile::Profile& profile, const system::Files& files);

// A second plan after the first was done is empty.
QuotaPlan plan_quotas(const std::vector<SeenQuota>& seen);

std::vector<Applied> apply(const QuotaPlan& plan, const system::Files& files,
                           std::vector<std::string>& warnings);

// What anybody may ask: statfs(2) of such a directory tells the quota and what is left of it.
struct QuotaUse {
  std::string name;
  Bytes wanted;
  Result<system::Space> space;
};
std::vector<QuotaUse> look_at_quota_use(const profile::Profile& profile,
                                        const Result<std::vector<facts::Mount>>& mounts,
                                        const system::Files& files);

// As far as can be told: the file system shows no more room there than the quota.
bool is_in_force(const QuotaUse& use);

// cache.quota: each quota is in force, and none is nearly used up.
NamedFinding quota_finding(const std::vector<QuotaUse>& uses, std::chrono::system_clock::time_point now);

}  // namespace fettle::storage
