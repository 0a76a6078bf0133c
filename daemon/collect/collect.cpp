#include "collect/collect.h"

#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/names.h"
#include "base/text.h"
#include "base/unit_name.h"
#include "collect/baseline.h"
#include "collect/child.h"
#include "collect/kernel_log.h"
#include "facts/clock.h"
#include "facts/readers.h"
#include "system/lock.h"

namespace fettle::collect {
namespace {

namespace json = boost::json;

constexpr Bytes smallest_trial = 1_MiB;
constexpr Bytes largest_trial = 64_MiB;
constexpr Bytes usual_chunk = 512_KiB;  // of the arrays that we make, when the kernel does not say
constexpr auto slack = 1min;            // a timer is never exact

// What a child answered.
struct Answer {
  json::value value;
  std::optional<std::chrono::seconds>
      hangs_since;  // uptime; it did not answer in time, or an earlier one did not
};

std::string time_text(std::chrono::microseconds time) {
  return time < 10ms ? std::to_string(time.count()) + " us" : std::to_string(time.count() / 1000) + " ms";
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& each : names) all += (all.empty() ? "" : ",") + each;
  return all;
}

std::string name_of(const facts::Drive& drive) {
  return drive.model + " " + drive.serial + " (" + drive.name + ")";
}

class Run {
 public:
  Run(const system::System& system, const facts::Facts& facts, const Wish& wish)
      : system_(system), facts_(facts), wish_(wish) {}

  Result<std::vector<Looked>> operator()() && {
    const auto lock = system::lock_file(system_.files, std::string(names::collect_directory) + "/lock",
                                        system_.clock, std::chrono::milliseconds(0));
    if (!lock) return fail(while_doing("collect", lock.error()));
    const auto uptime = facts::read_uptime(system_.files);
    if (!uptime) return fail(while_doing("collect", uptime.error()));
    uptime_ = *uptime;
    if (const auto done = ask_for_the_clock(); !done) return fail(done.error());
    if (!wish_.log_rules.empty()) {
      if (const auto done = look_at_the_log(); !done) return fail(done.error());
    }
    if (!wish_.variables.empty()) {
      if (const auto done = look_at_the_programs(); !done) return fail(done.error());
    }
    if (!wish_.cache.empty()) {
      if (const auto done = try_the_cache(); !done) return fail(done.error());
    }
    if (!wish_.cache.empty() && !wish_.directories.empty()) {
      if (const auto done = measure_the_directories(); !done) return fail(done.error());
    }
    if (!wish_.drives.empty()) {
      if (const auto done = try_the_drives(); !done) return fail(done.error());
    }
    return std::move(looked_);
  }

 private:
  facts::Stamp stamp_for(std::chrono::seconds interval) const {
    return {system_.clock.now(), facts::read_uptime(system_.files).value_or(uptime_), 3 * interval};
  }

  bool is_due(const facts::Stamp& last, std::chrono::seconds interval) const {
    return wish_.when == When::now || uptime_ < last.uptime || uptime_ - last.uptime >= interval - slack;
  }

  // Runs ourselves with these words. `before` is since when the last such child hung.
  Result<Answer> ask(const std::vector<std::string>& words, std::chrono::seconds deadline,
                     const std::optional<std::chrono::seconds>& before) {
    system::Command command{
        {"/proc/self/exe", "--root", system_.files.host_path("/"), "collect"}, {}, deadline};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    const auto began = facts::read_uptime(system_.files).value_or(uptime_);
    const auto completed = system_.runner.run(command);
    Answer answer;
    if (!completed) {
      if (completed.error().why != Why::timed_out) return fail(completed.error());
      answer.hangs_since = before.value_or(began);
      return answer;
    }
    if (completed->exit_code != 0) {
      return fail(Why::refused, "cannot look: '" + system::to_text(command) + "' ended with " +
                                    std::to_string(completed->exit_code) + ": " +
                                    std::string(trim(completed->err)));
    }
    auto value = parse_json(completed->out, "the answer of a trial");
    if (!value) return fail(value.error());
    answer.value = std::move(*value);
    if (json_field(answer.value, held_key) != nullptr) answer.hangs_since = before.value_or(began);
    return answer;
  }

  Result<void> write(std::string_view kind, const json::object& result) {
    const auto written = system_.files.write(facts::collected_file(kind), pretty_json(result), 0644);
    if (!written) return fail(written.error());
    return {};
  }

  // --- the clock ---

  Result<void> ask_for_the_clock() {
    const auto before = previous(facts::clock_kind, &facts::parse_clock_trial);
    if (!system_.files.is_the_machine() || (before && !is_due(before->stamp, clock_interval))) return {};
    const facts::ClockTrial trial{stamp_for(clock_interval), system::ask_time_sync()};
    if (!trial.sync) looked_.push_back({"the clock", {}, trial.sync.error()});
    return write(facts::clock_kind, to_json(trial));
  }

  // --- the kernel log ---

  Result<void> look_at_the_log() {
    const auto before = previous(facts::kernel_log_kind, &facts::parse_kernel_log);
    Result<std::string> boot_id = fail(Why::missing, "");
    if (facts_.identity) {
      boot_id = facts_.identity->boot_id;
    } else {
      boot_id = fail(facts_.identity.error());
    }
    const facts::KernelLog log =
        look_at_kernel_log(system_.files, wish_.log_rules, boot_id, stamp_for(kernel_log_interval), before);
    Looked looked{"the kernel log", {}, log.error};
    const bool goes_on = before && before->boot_id == log.boot_id && before->rules == log.rules;
    std::uint64_t lines = 0;
    for (const facts::LogMatch& match : log.matches) lines += match.count;
    for (const facts::LogMatch& match : goes_on ? before->matches : std::vector<facts::LogMatch>())
      lines -= match.count;
    if (lines > 0) looked.says = count_of(lines, "line") + " of note";
    if (const std::uint64_t lost = log.lost - (goes_on ? before->lost : 0); lost > 0)
      looked.says +=
          (looked.says.empty() ? "" : ", ") + count_of(lost, "record") + " lost before they could be read";
    if (looked.error || !looked.says.empty()) looked_.push_back(std::move(looked));
    return write(facts::kernel_log_kind, to_json(log));
  }

  // --- the programs that use the GPUs ---

  Result<void> look_at_the_programs() {
    const auto before = previous(facts::gpu_programs_kind, &facts::parse_gpu_programs);
    const bool is_same = before && before->names == wish_.variables && !before->hangs_since;
    if (is_same && !is_due(before->stamp, programs_interval)) return {};
    facts::GpuPrograms found;
    found.names = wish_.variables;
    const auto answer = ask({"--probe", "programs", "--names", joined(wish_.variables)}, programs_deadline,
                            before ? before->hangs_since : std::nullopt);
    if (!answer) {
      found.programs = fail(answer.error());
    } else if (answer->hangs_since) {
      found.hangs_since = answer->hangs_since;
      found.programs = fail(Why::timed_out,
                            "cannot look at the programs that use the GPUs: it did not end within " +
                                std::to_string(programs_deadline.count()) + " s",
                            "one of them may hang in the driver: `ps -eo pid,stat,comm` shows it as D");
    } else {
      found.programs = facts::parse_programs(json_field(answer->value, "programs"));
    }
    found.stamp = stamp_for(programs_interval);
    if (!found.programs) looked_.push_back({"the programs on the GPUs", {}, found.programs.error()});
    return write(facts::gpu_programs_kind, to_json(found));
  }

  // --- the cache ---

  Result<void> try_the_cache() {
    const auto before = previous(facts::cache_kind, &facts::parse_cache_trial);
    if (before && before->path == wish_.cache && !before->hangs_since && before->done &&
        !is_due(before->stamp, cache_interval)) {
      return {};
    }
    facts::CacheTrial trial;
    trial.path = wish_.cache;
    const auto ready = find_the_cache(trial);
    if (!ready) {
      trial.done = fail(ready.error());
    } else {
      write_to_it(trial, before);
    }
    trial.stamp = stamp_for(cache_interval);
    Looked looked{"the cache '" + wish_.cache + "'", {}, {}};
    if (!trial.done) {
      looked.error = trial.done.error();
    } else {
      looked.says = to_text(trial.done->size) + " written in " + time_text(trial.done->write) +
                    " and read back in " + time_text(trial.done->read);
      if (trial.members > 1) looked.says += ", across " + count_of(trial.reached, "drive");
    }
    looked_.push_back(std::move(looked));
    return write(facts::cache_kind, to_json(trial));
  }

  Result<void> find_the_cache(facts::CacheTrial& trial) {
    if (!wish_.is_on_drives) return {};
    if (!facts_.mounts) return fail(facts_.mounts.error());
    if (!facts_.arrays) return fail(facts_.arrays.error());
    // The last mount on a path is the one that is seen.
    const facts::Mount* mount = nullptr;
    for (const facts::Mount& candidate : *facts_.mounts) {
      if (candidate.where == wish_.cache) mount = &candidate;
    }
    if (mount == nullptr) {
      return fail(Why::missing, "cannot try the cache: nothing is mounted on '" + wish_.cache + "'",
                  "`systemctl status " + mount_unit_of(wish_.cache) + "` tells why");
    }
    for (const facts::Array& array : *facts_.arrays) {
      if ("/dev/" + array.name != mount->what) continue;
      trial.members = std::max(1U, array.raid_disks);
      if (array.chunk.count != 0) chunk_ = array.chunk;
    }
    return {};
  }

  void write_to_it(facts::CacheTrial& trial, const Result<facts::CacheTrial>& before) {
    // In one piece this reaches every member, wherever it begins.
    const Bytes stripe{chunk_.count * trial.members};
    const Bytes size = std::clamp(stripe, smallest_trial, largest_trial);
    const auto answer = ask({"--probe", "cache", "--at", wish_.cache, "--bytes", std::to_string(size.count)},
                            cache_deadline, before ? before->hangs_since : std::nullopt);
    if (!answer) {
      trial.done = fail(answer.error());
    } else if (answer->hangs_since) {
      trial.hangs_since = answer->hangs_since;
      trial.done =
          fail(Why::timed_out, "cannot write to the cache: a trial of " + to_text(size) +
                                   " did not end within " + std::to_string(cache_deadline.count()) + " s");
    } else {
      trial.done = facts::parse_write_back(json_field(answer->value, "done"));
      trial.generation = json_text(answer->value, "generation");
      if (trial.done) trial.reached = members_reached(trial.done->extents, trial.members, chunk_);
    }
  }

  // --- its directories ---

  Result<void> measure_the_directories() {
    const auto before = previous(facts::usage_kind, &facts::parse_cache_usage);
    const bool is_same = before && before->path == wish_.cache && !before->hangs_since &&
                         before->directories.size() == wish_.directories.size();
    if (is_same && !is_due(before->stamp, usage_interval)) return {};
    facts::CacheUsage usage;
    usage.path = wish_.cache;
    facts::CacheTrial unused;
    const auto ready = find_the_cache(unused);
    for (const std::string& name : wish_.directories) {
      facts::DirectoryUsage directory;
      directory.name = name;
      if (!ready) {
        directory.now = fail(ready.error());
      } else if (usage.hangs_since) {
        directory.now = fail(Why::timed_out, "cannot measure '" + name + "': measuring another one hangs");
      } else {
        measure(directory, usage, before);
      }
      usage.directories.push_back(std::move(directory));
    }
    usage.stamp = stamp_for(usage_interval);
    for (facts::DirectoryUsage& directory : usage.directories) compare(directory, usage.stamp, before);
    return write(facts::usage_kind, to_json(usage));
  }

  void measure(facts::DirectoryUsage& directory, facts::CacheUsage& usage,
               const Result<facts::CacheUsage>& before) {
    const std::string path = wish_.cache + "/" + directory.name;
    const auto answer =
        ask({"--probe", "usage", "--at", path}, usage_deadline, before ? before->hangs_since : std::nullopt);
    if (!answer) {
      directory.now = fail(answer.error());
    } else if (answer->hangs_since) {
      usage.hangs_since = answer->hangs_since;
      directory.now = fail(Why::timed_out, "cannot measure '" + path + "': it did not end within " +
                                               std::to_string(usage_deadline.count()) + " s");
    } else {
      directory.now = facts::parse_usage(json_field(answer->value, "now"));
    }
    Looked looked{"'" + path + "'", {}, {}};
    if (directory.now) {
      looked.says = (directory.now->whole ? "" : "at least ") + to_text(directory.now->used) + " in " +
                    count_of(directory.now->files, "file");
    } else {
      looked.error = directory.now.error();
    }
    looked_.push_back(std::move(looked));
  }

  static void compare(facts::DirectoryUsage& directory, const facts::Stamp& stamp,
                      const Result<facts::CacheUsage>& before) {
    if (!before || !directory.now || stamp.uptime <= before->stamp.uptime) return;
    for (const facts::DirectoryUsage& last : before->directories) {
      if (last.name != directory.name || !last.now) continue;
      directory.grown_bytes = static_cast<std::int64_t>(directory.now->used.count - last.now->used.count);
      directory.since = stamp.uptime - before->stamp.uptime;
    }
  }

  // --- the drives ---

  Result<void> try_the_drives() {
    const auto before = previous(facts::drives_kind, &facts::parse_drive_trials);
    const bool any_hung =
        before && std::any_of(before->drives.begin(), before->drives.end(),
                              [](const facts::DriveTrial& drive) { return drive.hangs_since; });
    if (before && before->drives.size() == wish_.drives.size() && !any_hung &&
        !is_due(before->stamp, drives_interval)) {
      return {};
    }
    facts::DriveTrials trials;
    for (const facts::Drive& drive : wish_.drives) trials.drives.push_back(try_drive(drive, before));
    const auto kept = compare_with_first(system_.files, wish_.generation, trials.drives);
    trials.stamp = stamp_for(drives_interval);
    const auto written = write(facts::drives_kind, to_json(trials));
    if (!written) return written;
    if (!kept) looked_.push_back({"the first measurement of the drives", {}, kept.error()});
    return {};
  }

  facts::DriveTrial try_drive(const facts::Drive& drive, const Result<facts::DriveTrials>& before) {
    facts::DriveTrial trial;
    trial.serial = drive.serial;
    trial.model = drive.model;
    trial.name = drive.name;
    std::optional<std::chrono::seconds> hung;
    if (before) {
      for (const facts::DriveTrial& last : before->drives) {
        if (last.serial == drive.serial) hung = last.hangs_since;
      }
    }
    const auto answer = ask({"--probe", "drive", "--at", "/dev/" + drive.name, "--bytes",
                             std::to_string(drive.size.count), "--serial", drive.serial},
                            drive_deadline, hung);
    Looked looked{name_of(drive), {}, {}};
    if (!answer) {
      trial.smart = fail(answer.error());
      trial.reads = fail(answer.error());
      looked.error = answer.error();
    } else if (answer->hangs_since) {
      trial.hangs_since = answer->hangs_since;
      const Error error{Why::timed_out,
                        "cannot look at " + name_of(drive) + ": it did not answer within " +
                            std::to_string(drive_deadline.count()) + " s",
                        "`dmesg` tells whether its controller was reset"};
      trial.smart = fail(error);
      trial.reads = fail(error);
      looked.error = error;
    } else {
      trial.smart = facts::parse_smart(json_field(answer->value, "smart"));
      trial.reads = facts::parse_reads(json_field(answer->value, "reads"));
      if (!trial.smart) looked.error = trial.smart.error();
      if (!trial.reads) looked.error = trial.reads.error();
      if (!looked.error) {
        looked.says = std::to_string(trial.smart->used_percent) + " % used, " +
                      std::to_string(trial.smart->temperature_celsius) + " degrees, reads take " +
                      time_text(trial.reads->median);
      }
    }
    looked_.push_back(std::move(looked));
    return trial;
  }

  template <class Trial>
  Result<Trial> previous(std::string_view kind, Result<Trial> (*parse)(std::string_view)) const {
    const auto text = system_.files.read(facts::collected_file(kind), 1_MiB);
    if (!text) return fail(text.error());
    return parse(*text);
  }

  const system::System& system_;
  const facts::Facts& facts_;
  const Wish& wish_;
  std::chrono::seconds uptime_{0};
  Bytes chunk_ = usual_chunk;
  std::vector<Looked> looked_;
};

}  // namespace

unsigned members_reached(const std::vector<system::Extent>& extents, unsigned members, Bytes chunk) {
  if (members == 0 || chunk.count == 0) return 0;
  std::set<std::uint64_t> reached;
  for (const system::Extent& extent : extents) {
    if (extent.size.count == 0) continue;
    const std::uint64_t first = extent.at.count / chunk.count;
    const std::uint64_t last = (extent.at.count + extent.size.count - 1) / chunk.count;
    for (std::uint64_t stripe = first; stripe <= last && stripe < first + members; ++stripe)
      reached.insert(stripe % members);
  }
  return static_cast<unsigned>(reached.size());
}

Result<std::vector<Looked>> collect(const system::System& system, const facts::Facts& facts,
                                    const Wish& wish) {
  return Run(system, facts, wish)();
}

}  // namespace fettle::collect
