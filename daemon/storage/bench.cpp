#include "storage/bench.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "storage/cache.h"

namespace fettle::storage {
namespace {

namespace json = boost::json;

// Root's, as the record is: the first measurement of a generation, by which later ones are judged.
constexpr std::string_view first_bench = "/var/lib/fettle/provision/bench.json";

struct First {
  Bytes write;
  Bytes read;
  std::map<std::string, Bytes> drives;  // by serial
};

// What cannot be read, or belongs to another generation, is measured anew.
std::optional<First> read_first(const system::Files& files, const std::string& generation) {
  const auto text = files.read(first_bench, 1_MiB);
  if (!text) return std::nullopt;
  const auto value = parse_json(*text, "the first measurement of the cache");
  if (!value || json_text(*value, "generation") != generation) return std::nullopt;
  First first{{json_count(*value, "write")}, {json_count(*value, "read")}, {}};
  for (const json::value& item : json_list(*value, "drives"))
    first.drives[json_text(item, "serial")] = {json_count(item, "read")};
  return first;
}

Result<Outcome> write_first(const system::Files& files, const std::string& generation, const First& first) {
  json::array drives;
  for (const auto& [serial, read] : first.drives)
    drives.push_back({{"serial", serial}, {"read", read.count}});
  return files.write(first_bench,
                     pretty_json({{"generation", generation},
                                  {"write", first.write.count},
                                  {"read", first.read.count},
                                  {"drives", drives}}),
                     0600);
}

// Drives that were not readable then get their first measurement later.
void compare_with_first(Bench& bench, const std::string& generation, const system::Files& files) {
  if (generation.empty()) return;
  const auto known = read_first(files, generation);
  First first = known.value_or(First{rate_of(bench.cache.write), rate_of(bench.cache.read), {}});
  bool is_new = !known;
  for (DriveSpeed& each : bench.drives) {
    const auto before = first.drives.find(each.drive.serial);
    if (before != first.drives.end()) {
      each.first = before->second;
    } else if (each.reads) {
      first.drives[each.drive.serial] = rate_of(*each.reads);
      is_new = true;
    }
  }
  if (known) {
    bench.first_write = first.write;
    bench.first_read = first.read;
  }
  if (!is_new) return;
  const auto written = write_first(files, generation, first);
  if (!written) bench.not_kept = while_doing("keep the first measurement of the cache", written.error());
}

Result<system::Bound> bound_for(const profile::Profile& profile, const facts::Facts& facts,
                                const system::Files& files) {
  const std::string& path = profile.cache->path;
  const auto space = files.space(path);
  if (!space) return fail(while_doing("measure the cache", space.error()));
  const Bytes room = space->available - facts::reserve_of(profile, facts.cache_usage);
  if (room < least_room) {
    return fail(Why::refused,
                "cannot measure the cache: " + to_text(space->available) + " are free on '" + path +
                    "', and beside the reserves at least " + to_text(least_room) + " are needed",
                "`fettle storage caches` tells what fills it");
  }
  return system::Bound{std::min(cache_bound.size, room), cache_bound.longest};
}

std::vector<DriveSpeed> measure_drives(const facts::Facts& facts, const Report& report,
                                       const system::System& system) {
  std::vector<DriveSpeed> drives;
  if (!facts.drives) return drives;
  for (const facts::Drive& drive : *facts.drives) {
    const auto is_it = [&](const ReportedDrive& reported) {
      return reported.serial == drive.serial && reported.role == to_text(Role::ours);
    };
    if (std::none_of(report.drives.begin(), report.drives.end(), is_it)) continue;
    DriveSpeed speed;
    speed.drive = drive;
    speed.reads =
        system::measure_device(system.files, "/dev/" + drive.name, drive.size, drive_bound, system.clock);
    drives.push_back(std::move(speed));
  }
  std::sort(drives.begin(), drives.end(),
            [](const DriveSpeed& a, const DriveSpeed& b) { return a.drive.serial < b.drive.serial; });
  return drives;
}

std::string per_second(Bytes rate) {
  return to_text(rate) + "/s";
}

}  // namespace

Result<Bench> bench(const profile::Profile& profile, const facts::Facts& facts, const Result<Report>& report,
                    const system::System& system) {
  if (!profile.cache) return fail(Why::missing, "cannot measure the cache: the profile wants none");
  const bool is_on_drives = profile.cache->drives.has_value();
  if (is_on_drives) {
    if (!report) return fail(while_doing("measure the cache", report.error()));
    if (const auto mounted = is_mounted(*profile.cache, facts, system.files); !mounted)
      return fail(mounted.error());
  }
  const auto bound = bound_for(profile, facts, system.files);
  if (!bound) return fail(bound.error());
  Bench done;
  done.path = profile.cache->path;
  const auto cache = system::measure_directory(system.files, done.path, *bound, system.clock);
  if (!cache) return fail(cache.error());
  done.cache = *cache;
  if (is_on_drives) done.drives = measure_drives(facts, *report, system);
  compare_with_first(done, report ? report->generation : std::string(), system.files);
  mark_slow(done.drives, profile.cache->limits.slow_factor);
  return done;
}

void mark_slow(std::vector<DriveSpeed>& drives, unsigned factor) {
  std::vector<Bytes> rates;
  for (const DriveSpeed& each : drives) {
    if (each.reads) rates.push_back(rate_of(*each.reads));
  }
  std::sort(rates.begin(), rates.end());
  for (DriveSpeed& each : drives) {
    if (!each.reads) continue;
    const std::uint64_t rate = rate_of(*each.reads).count * factor;
    // Of two nobody can say which one is usual.
    if (rates.size() > 2 && rate <= rates[rates.size() / 2].count) {
      each.slow = "its siblings read " + per_second(rates[rates.size() / 2]);
    } else if (each.first && rate <= each.first->count) {
      each.slow = "at first it read " + per_second(*each.first);
    }
  }
}

json::object to_json(const Bench& bench) {
  const auto rate = [](const std::optional<Bytes>& first) {
    return first ? json::value(first->count) : json::value(nullptr);
  };
  json::array drives;
  for (const DriveSpeed& each : bench.drives) {
    drives.push_back({{"serial", each.drive.serial},
                      {"model", each.drive.model},
                      {"name", each.drive.name},
                      {"read_bytes_per_second",
                       each.reads ? json::value(rate_of(*each.reads).count) : json::value(nullptr)},
                      {"first_read_bytes_per_second", rate(each.first)},
                      {"slow", each.slow},
                      {"error", each.reads ? std::string() : each.reads.error().said}});
  }
  return {{"path", bench.path},
          {"write_bytes_per_second", rate_of(bench.cache.write).count},
          {"read_bytes_per_second", rate_of(bench.cache.read).count},
          {"sync_microseconds", bench.cache.sync.count()},
          {"direct", bench.cache.direct},
          {"first_write_bytes_per_second", rate(bench.first_write)},
          {"first_read_bytes_per_second", rate(bench.first_read)},
          {"drives", drives}};
}

}  // namespace fettle::storage
