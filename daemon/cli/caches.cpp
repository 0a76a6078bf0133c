// fettle storage caches: the directories of the cache, what lies in each, and how fast it grows.
#include <algorithm>
#include <boost/json/array.hpp>
#include <ostream>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/shelves.h"
#include "cli/status_page.h"
#include "cli/words.h"
#include "facts/facts.h"
#include "storage/quota.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

std::string used_text(const facts::DirectoryUsage* usage) {
  if (usage == nullptr || !usage->now) return "?";
  return (usage->now->whole ? "" : "> ") + to_text(usage->now->used);
}

std::string growth_text(const facts::DirectoryUsage* usage) {
  const auto growth = usage == nullptr ? std::nullopt : facts::bytes_per_hour(*usage);
  if (!growth || *growth == 0) return {};
  const Bytes size{static_cast<std::uint64_t>(*growth < 0 ? -*growth : *growth)};
  return (*growth < 0 ? "-" : "+") + to_text(size) + "/h";
}

std::string filled(std::string text, std::size_t columns) {
  text.resize(std::max(text.size() + 2, columns), ' ');
  return text;
}

// Below a mount point that nothing is mounted on lies the root file system.
Result<system::Space> space_of(const profile::Cache& cache, const facts::Facts& facts,
                               const system::Files& files) {
  if (!cache.drives) return files.space(cache.path);
  if (!facts.mounts) return fail(facts.mounts.error());
  const bool is_mounted = std::any_of(facts.mounts->begin(), facts.mounts->end(),
                                      [&](const facts::Mount& mount) { return mount.where == cache.path; });
  if (is_mounted) return files.space(cache.path);
  return fail(Why::missing, "cannot tell the free space: nothing is mounted on '" + cache.path + "'");
}

// "500.0 GiB, 20.1 GiB left"; a quota that the file system does not know of is none.
std::string quota_text(const std::vector<storage::QuotaUse>& uses, const std::string& name) {
  for (const storage::QuotaUse& use : uses) {
    if (use.name != name) continue;
    const std::string wanted = to_text(use.wanted);
    if (!use.space) return wanted + ", ?";
    return storage::is_in_force(use) ? wanted + ", " + to_text(use.space->available) + " left"
                                     : wanted + ", not in force";
  }
  return {};
}

struct Seen {
  const profile::Profile& profile;
  const facts::Fact<facts::CacheUsage>& usage;
  Result<system::Space> space;
  std::vector<storage::QuotaUse> quotas;
  std::chrono::seconds age{0};

  const facts::DirectoryUsage* of(const std::string& name) const {
    return usage ? facts::find(*usage, name) : nullptr;
  }
};

void print_page(std::ostream& out, const Seen& seen) {
  out << "caches on " << seen.profile.cache->path;
  if (seen.space) {
    out << ": " << to_text(seen.space->available) << " of " << to_text(seen.space->total) << " free, "
        << to_text(facts::reserve_of(seen.profile, seen.usage)) << " of it kept from staging";
  } else {
    out << ": " << seen.space.error().said;
  }
  out << "\n\n  " << filled("name", 14) << filled("used", 14) << filled("grows", 16) << filled("reserve", 14)
      << (seen.quotas.empty() ? std::string() : filled("quota", 30)) << "why\n";
  for (const profile::CacheDirectory& wanted : seen.profile.caches) {
    const facts::DirectoryUsage* const usage = seen.of(wanted.name);
    const std::string reserve = wanted.reserve.count > 0 ? to_text(wanted.reserve) : std::string();
    out << "  " << filled(wanted.name, 14) << filled(used_text(usage), 14) << filled(growth_text(usage), 16)
        << filled(reserve, 14)
        << (seen.quotas.empty() ? std::string() : filled(quota_text(seen.quotas, wanted.name), 30))
        << wanted.why << '\n';
  }
  out << '\n';
  if (!seen.usage) {
    out << to_text(seen.usage.error()) << '\n';
  } else {
    out << "measured " << time_text(seen.age) << " ago; `fettle collect --now` measures again\n";
    for (const facts::DirectoryUsage& directory : seen.usage->directories) {
      if (!directory.now) out << directory.name << ": " << directory.now.error().said << '\n';
    }
  }
}

json::object to_json(const Seen& seen) {
  json::array list;
  for (const profile::CacheDirectory& wanted : seen.profile.caches) {
    const facts::DirectoryUsage* const usage = seen.of(wanted.name);
    const bool is_known = usage != nullptr && usage->now;
    const auto growth = usage == nullptr ? std::nullopt : facts::bytes_per_hour(*usage);
    list.push_back({{"name", wanted.name},
                    {"path", seen.profile.cache->path + "/" + wanted.name},
                    {"used_bytes", is_known ? json::value(usage->now->used.count) : json::value(nullptr)},
                    {"files", is_known ? json::value(usage->now->files) : json::value(nullptr)},
                    {"whole", is_known ? json::value(usage->now->whole) : json::value(nullptr)},
                    {"bytes_per_hour", growth ? json::value(*growth) : json::value(nullptr)},
                    {"reserve_bytes", wanted.reserve.count},
                    {"quota_bytes", wanted.quota.count},
                    {"why", wanted.why}});
  }
  json::object object{{"path", seen.profile.cache->path},
                      {"reserve_bytes", facts::reserve_of(seen.profile, seen.usage).count}};
  object["available_bytes"] = seen.space ? json::value(seen.space->available.count) : json::value(nullptr);
  object["unknown"] = seen.usage ? json::value(nullptr) : json::value(seen.usage.error().said);
  object["caches"] = std::move(list);
  return object;
}

}  // namespace

int run_caches(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle storage caches",
      "Shows the directories of the cache: what lies in each, how fast it grows, and the room that is kept\n"
      "for it. The collector measures them once an hour.");
  if (const auto code = words.read(context, arguments)) return *code;
  const auto profile = load_profile(context);
  if (!profile) return report(context, profile.error(), bad_config);
  if (!profile->cache) {
    return report(context, {Why::missing, "cannot show caches: the profile wants none", {}}, failed);
  }
  const system::Files& files = context.system.files;
  const facts::Facts facts = facts::gather(files);
  Seen seen{*profile, facts.cache_usage, space_of(*profile->cache, facts, files),
            storage::look_at_quota_use(*profile, facts.mounts, files), std::chrono::seconds(0)};
  if (seen.usage && facts.uptime) {
    seen.age = std::max(std::chrono::seconds(0), *facts.uptime - seen.usage->stamp.uptime);
  }
  if (context.format == Format::json) {
    context.out << pretty_json(to_json(seen));
  } else {
    print_page(context.out, seen);
  }
  return ok;
}

}  // namespace fettle::cli
