#include "serve/metrics.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.h"
#include "serve/print.h"

namespace fettle::serve {
namespace {

class Text {
 public:
  // Opens a family of samples.
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    out_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    out_.append(name).append(" ").append(type).append("\n");
  }

  // `labels` is already escaped: `id="x"`.
  void sample(const std::string& value, std::string_view labels = {}) {
    out_ += name_;
    if (!labels.empty()) out_.append("{").append(labels).append("}");
    out_.append(" ").append(value).append("\n");
  }

  void one(std::string_view name, std::string_view type, std::string_view help, const std::string& value) {
    family(name, type, help);
    sample(value);
  }

  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::string name_;
};

std::string labelled(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + label(value) + "\"";
}

std::string number(Status status) {
  switch (status) {
    case Status::pass:
      return "0";
    case Status::warn:
      return "1";
    case Status::fail:
      return "2";
    case Status::unknown:
      return "3";
    case Status::not_applicable:
      return "-1";
  }
  return "3";
}

std::string seconds_text(std::chrono::system_clock::time_point time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

std::string seconds_text(std::chrono::milliseconds time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%lld.%03lld", static_cast<long long>(time.count() / 1000),
                static_cast<long long>(time.count() % 1000));
  return text.data();
}

std::string seconds_text(std::chrono::microseconds time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%lld.%06lld", static_cast<long long>(time.count() / 1000000),
                static_cast<long long>(time.count() % 1000000));
  return text.data();
}

void shelves(Text& text, const std::vector<Shelf>& list) {
  struct Family {
    std::string_view name, help;
    std::string (*value)(const Shelf&);
  };
  constexpr std::array families{
      Family{"fettle_shelf_ready", "Whether every repository of the shelf is verified and published.",
             [](const Shelf& s) { return std::string(s.progress == Progress::ready ? "1" : "0"); }},
      Family{"fettle_shelf_stopped", "Whether the shelf stopped and needs somebody (failed, refused, held).",
             [](const Shelf& s) { return std::string(s.progress == Progress::stopped ? "1" : "0"); }},
      Family{"fettle_shelf_done_bytes", "Bytes of the shelf that are on the disk.",
             [](const Shelf& s) { return std::to_string(s.done.count); }},
      Family{"fettle_shelf_total_bytes", "Bytes of the whole shelf, 0 while that is not known.",
             [](const Shelf& s) { return std::to_string(s.total.count); }},
      Family{"fettle_shelf_rate_bytes_per_second", "How fast the shelf grows.",
             [](const Shelf& s) { return std::to_string(s.rate.count); }},
  };
  if (list.empty()) return;
  for (const Family& family : families) {
    text.family(family.name, "gauge", family.help);
    for (const Shelf& shelf : list) text.sample(family.value(shelf), labelled("shelf", shelf.name));
  }
}

void engines(Text& text, const std::vector<Engine>& list) {
  if (list.empty()) return;
  text.family("fettle_engine_serving", "gauge", "Whether the engine answers that it serves.");
  for (const Engine& engine : list)
    text.sample(engine.state == "serving" ? "1" : "0", labelled("engine", engine.name));
}

// Of this boot only: the label's values are bounded by the profile.
void ledger(Text& text, const Inputs& inputs) {
  for (const store::Boot& boot : inputs.boots) {
    if (boot.id != inputs.boot_id || boot.stages.empty()) continue;
    text.family("fettle_ledger_stage_seconds", "gauge",
                "Seconds from the start of the kernel until the stage was reached in this boot.");
    for (const store::Stage& stage : boot.stages) {
      const auto after = std::chrono::duration_cast<std::chrono::seconds>(stage.at - boot.at).count();
      text.sample(std::to_string(std::max<std::int64_t>(0, after)), labelled("stage", stage.name));
    }
  }
}

void storage(Text& text, const Inputs& inputs) {
  if (inputs.cache.write) {
    text.one("fettle_storage_cache_write_seconds", "gauge",
             "How long a few MiB took to write to the cache and to sync; absent when they did not arrive.",
             seconds_text(*inputs.cache.write));
  }
  struct OfCache {
    std::string_view name, help;
    std::optional<std::string> (*value)(const CacheDirectory&);
  };
  constexpr std::array of_caches{
      OfCache{"fettle_cache_used_bytes", "What lies in the directory of the cache.",
              [](const CacheDirectory& c) {
                return c.used ? std::optional(std::to_string(c.used->count)) : std::nullopt;
              }},
      OfCache{"fettle_cache_quota_bytes",
              "The most that the directory may hold; only where the profile limits it.",
              [](const CacheDirectory& c) {
                return c.quota.count == 0 ? std::nullopt : std::optional(std::to_string(c.quota.count));
              }},
      OfCache{"fettle_cache_reserve_bytes", "Room that the profile keeps for the directory.",
              [](const CacheDirectory& c) { return std::optional(std::to_string(c.reserve.count)); }},
  };
  for (const OfCache& family : of_caches) {
    if (inputs.caches.empty()) break;
    text.family(family.name, "gauge", family.help);
    for (const CacheDirectory& cache : inputs.caches) {
      if (const auto value = family.value(cache)) text.sample(*value, labelled("cache", cache.name));
    }
  }
  struct OfDrive {
    std::string_view name, type, help;
    std::optional<std::string> (*value)(const DriveHealth&);
  };
  constexpr std::array of_drives{
      OfDrive{"fettle_storage_drive_temperature_celsius", "gauge", "Composite temperature of the drive.",
              [](const DriveHealth& d) { return std::optional(std::to_string(d.temperature_celsius)); }},
      OfDrive{"fettle_storage_drive_used_percent", "gauge", "How much of its endurance the drive has used.",
              [](const DriveHealth& d) { return std::optional(std::to_string(d.used_percent)); }},
      OfDrive{"fettle_storage_drive_spare_percent", "gauge", "Spare blocks that the drive has left.",
              [](const DriveHealth& d) { return std::optional(std::to_string(d.spare_percent)); }},
      OfDrive{"fettle_storage_drive_media_errors_total", "counter",
              "How often the drive could not give back what was written.",
              [](const DriveHealth& d) { return std::optional(std::to_string(d.media_errors)); }},
      OfDrive{
          "fettle_storage_drive_read_seconds", "gauge", "Median time of a read of 128 KiB.",
          [](const DriveHealth& d) { return d.read ? std::optional(seconds_text(*d.read)) : std::nullopt; }},
  };
  for (const OfDrive& family : of_drives) {
    if (inputs.drives.empty()) break;
    text.family(family.name, family.type, family.help);
    for (const DriveHealth& drive : inputs.drives) {
      if (const auto value = family.value(drive)) text.sample(*value, labelled("serial", drive.serial));
    }
  }
}

}  // namespace

std::string metrics_text(const Inputs& inputs, State state) {
  Text text;
  text.family("fettle_info", "gauge", "Version and profile; always 1.");
  text.sample("1", labelled("version", inputs.version) + "," + labelled("profile", inputs.profile));
  text.family("fettle_state", "gauge", "The node in one word: 1 for the state it is in, 0 for the others.");
  for (const State each : {State::starting, State::ready, State::degraded, State::failed, State::unknown}) {
    text.sample(each == state ? "1" : "0", labelled("state", to_text(each)));
  }
  if (!inputs.findings.empty()) {
    text.family("fettle_finding_status", "gauge",
                "One check: 0 pass, 1 warn, 2 fail, 3 unknown, -1 not applicable here.");
    for (const NamedFinding& named : inputs.findings) {
      text.sample(number(named.finding.status), labelled("id", named.id));
    }
  }
  std::string acknowledged;
  for (const NamedFinding& named : inputs.findings) {
    if (acknowledgement_of(inputs.acknowledgements, named, inputs.made_at) == nullptr) continue;
    if (acknowledged.empty()) {
      acknowledged = named.id;
      text.family("fettle_finding_acknowledged", "gauge",
                  "1 for each finding that somebody knows of, as it is now; the others have no sample.");
    }
    text.sample("1", labelled("id", named.id));
  }
  text.one("fettle_gpus_wanted", "gauge", "GPUs that the profile wants.", std::to_string(inputs.gpus.wanted));
  // A number that could not be read has no sample: absent is not zero.
  if (inputs.gpus.seen) {
    text.one("fettle_gpus_seen", "gauge", "GPUs that the driver shows.", std::to_string(*inputs.gpus.seen));
  }
  if (inputs.cache.total) {
    text.one("fettle_storage_cache_size_bytes", "gauge", "Size of the cache's file system.",
             std::to_string(inputs.cache.total->count));
  }
  if (inputs.cache.available) {
    text.one("fettle_storage_cache_available_bytes", "gauge", "Free space of the cache.",
             std::to_string(inputs.cache.available->count));
  }
  storage(text, inputs);
  shelves(text, inputs.shelves);
  engines(text, inputs.engines);
  ledger(text, inputs);
  text.one("fettle_start_time_seconds", "gauge", "When the daemon started, since the epoch.",
           seconds_text(inputs.started_at));
  text.one("fettle_look_time_seconds", "gauge", "When the node was looked at last, since the epoch.",
           seconds_text(inputs.taken_at));
  text.one("fettle_look_duration_seconds", "gauge", "How long that look lasted.", seconds_text(inputs.took));
  return text.take();
}

std::string textfile_text(std::optional<std::string_view> metrics,
                          std::chrono::system_clock::time_point now) {
  Text text;
  text.one("fettle_up", "gauge", "Whether the daemon gave its metrics when this page was written.",
           metrics ? "1" : "0");
  text.one("fettle_metrics_time_seconds", "gauge", "When this page was written, since the epoch.",
           seconds_text(now));
  return text.take().append(metrics.value_or(std::string_view()));
}

std::string as_open_metrics(std::string_view text) {
  constexpr std::string_view ending = "_total";
  std::string out;
  out.reserve(text.size());
  for (const std::string_view line : lines(text)) {
    // "# HELP NAME …", "# TYPE NAME counter"
    const std::size_t end = line.starts_with("# ") ? line.find(' ', 7) : 0;
    const std::string_view name = end == 0 ? std::string_view() : line.substr(0, end);
    if (name.ends_with(ending)) {
      out.append(name.substr(0, name.size() - ending.size())).append(line.substr(end));
    } else {
      out += line;
    }
    out += '\n';
  }
  return out;
}

std::string server_metrics_text(std::chrono::seconds age, const Counters& counters) {
  Text text;
  text.one("fettle_look_age_seconds", "gauge", "How old these values are.", std::to_string(age.count()));
  text.one("fettle_serve_answered_total", "counter", "Requests that were answered.",
           std::to_string(counters.answered));
  text.one("fettle_serve_refused_total", "counter", "Requests and connections that were turned away.",
           std::to_string(counters.refused));
  text.one("fettle_serve_timed_out_total", "counter", "Connections closed because the client was too slow.",
           std::to_string(counters.timed_out));
  text.one("fettle_serve_connections", "gauge", "Connections that are open now.",
           std::to_string(counters.connections));
  return text.take();
}

}  // namespace fettle::serve
