#include "shelf/report.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/json.h"
#include "base/names.h"

namespace fettle::shelf {
namespace {

namespace json = boost::json;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr Bytes report_limit = 4_MiB;

struct StateName {
  State state;
  std::string_view name;
};
constexpr std::array state_names{
    StateName{State::wanted, "wanted"},     StateName{State::resolved, "resolved"},
    StateName{State::fetching, "fetching"}, StateName{State::verifying, "verifying"},
    StateName{State::ready, "ready"},       StateName{State::failed, "failed"},
    StateName{State::refused, "refused"},   StateName{State::held, "held"},
    StateName{State::corrupt, "corrupt"},
};

std::int64_t seconds_of(system_clock::time_point time) {
  return std::chrono::duration_cast<seconds>(time.time_since_epoch()).count();
}

system_clock::time_point time_of(std::uint64_t value) {
  // Year 2255: nanoseconds since 1970 end in 2262.
  constexpr std::uint64_t latest = 9'000'000'000;
  return system_clock::time_point(seconds(static_cast<std::int64_t>(std::min(value, latest))));
}

json::object amount_json(const Amount& amount) {
  return {{"bytes", amount.bytes.count}, {"files", amount.files}};
}

Amount amount_of(const json::value& value, std::string_view key) {
  const json::value* const field = json_field(value, key);
  if (field == nullptr) return {};
  return {{json_count(*field, "bytes")}, json_count(*field, "files")};
}

json::object error_json(const Error& error) {
  return {{"why", to_text(error.why)}, {"said", error.said}, {"hint", error.hint}};
}

Why why_from(std::string_view text) {
  for (const Why why : {Why::missing, Why::denied, Why::malformed, Why::refused, Why::timed_out}) {
    if (to_text(why) == text) return why;
  }
  return Why::failed;
}

Status status_from(std::string_view text) {
  for (const Status status : {Status::pass, Status::not_applicable, Status::warn, Status::fail}) {
    if (to_text(status) == text) return status;
  }
  return Status::unknown;
}

std::string path_of(std::string_view shelf) {
  return std::string(names::shelf_reports) + "/" + std::string(shelf) + ".json";
}

Result<Report> parse(std::string_view text, const std::string& path, std::string_view shelf) {
  const std::string what = "'" + path + "'";
  const auto value = parse_json(text, what);
  if (!value) return fail(value.error());
  const auto state = state_of(json_text(*value, "state"));
  if (json_count(*value, "format") != 1 || json_text(*value, "shelf") != shelf || !state) {
    return fail(Why::malformed,
                "cannot read " + what + ": it is not a report of shelf '" + std::string(shelf) + "'",
                "was it written by another version of fettle?");
  }
  Report report;
  report.shelf = shelf;
  report.state = *state;
  report.source = profile::source_of(json_text(*value, "source")).value_or(profile::Source::hub);
  report.done = amount_of(*value, "done");
  report.verified = amount_of(*value, "verified");
  report.total = amount_of(*value, "total");
  report.rate = {json_count(*value, "rate_bytes_per_second")};
  if (const json::value* const eta = json_field(*value, "eta_seconds"); eta != nullptr && eta->is_number()) {
    report.eta = seconds(
        static_cast<std::int64_t>(std::min<std::uint64_t>(json_count(*value, "eta_seconds"), 1U << 30U)));
  }
  if (const json::value* const error = json_field(*value, "error"); error != nullptr && error->is_object()) {
    report.error =
        Error{why_from(json_text(*error, "why")), json_text(*error, "said"), json_text(*error, "hint")};
  }
  if (const auto retry = json_count(*value, "retry_at"); retry != 0) report.retry_at = time_of(retry);
  report.started_at = time_of(json_count(*value, "started_at"));
  report.updated_at = time_of(json_count(*value, "updated_at"));
  report.worker = static_cast<pid_t>(std::min<std::uint64_t>(json_count(*value, "worker"), 1U << 30U));
  if (const json::value* const list = json_field(*value, "repositories");
      list != nullptr && list->is_array()) {
    for (const json::value& item : list->get_array()) {
      const auto its_state = state_of(json_text(item, "state"));
      if (!its_state) return fail(Why::malformed, "cannot read " + what + ": a repository has no state");
      report.repositories.push_back({json_text(item, "id"), json_text(item, "revision"), *its_state,
                                     amount_of(item, "done"), amount_of(item, "verified"),
                                     amount_of(item, "total")});
    }
  }
  if (const json::value* const list = json_field(*value, "current"); list != nullptr && list->is_array()) {
    for (const json::value& item : list->get_array()) {
      report.current.push_back(
          {json_text(item, "path"), {json_count(item, "done")}, {json_count(item, "total")}});
    }
  }
  if (const json::value* const list = json_field(*value, "store"); list != nullptr && list->is_array()) {
    for (const json::value& item : list->get_array()) {
      report.store.push_back(
          {status_from(json_text(item, "status")), json_text(item, "says"), json_text(item, "hint")});
    }
  }
  return report;
}

std::string progress(const Report& report) {
  if (report.total.files == 0) return std::string(to_text(report.state));
  const bool verifying = report.state == State::verifying;
  std::string text = std::string(to_text(report.state)) + ", " +
                     to_text(verifying ? report.verified.bytes : report.done.bytes) + " of " +
                     to_text(report.total.bytes);
  if (report.rate.count > 0) text += " at " + to_text(report.rate) + "/s";
  if (report.eta) text += ", about " + std::to_string(report.eta->count() / 60 + 1) + " min left";
  return text;
}

Finding judge(const Result<Report>& result, std::string_view shelf, system_clock::time_point now) {
  const std::string name(shelf);
  const std::string unit = std::string(names::stage_unit) + name + ".service";
  if (!result) {
    if (result.error().why != Why::missing) return unknown(result.error());
    return {Status::unknown, "shelf '" + name + "' has not reported since the boot",
            "`systemctl start " + unit + "` stages it; `systemctl status " + unit +
                "` tells why it does not run"};
  }
  const Report& report = *result;
  const std::string why = report.error ? ": " + report.error->said : std::string();
  const std::string hint = report.error ? report.error->hint : std::string();
  switch (report.state) {
    case State::ready:
      return {Status::pass,
              "shelf '" + name + "' is ready: " + std::to_string(report.repositories.size()) +
                  (report.repositories.size() == 1 ? " repository, " : " repositories, ") +
                  to_text(report.total.bytes) + ", every byte verified",
              {}};
    case State::failed:
      return {Status::fail, "shelf '" + name + "' failed" + why, hint};
    case State::refused:
      return {Status::fail, "shelf '" + name + "' was refused" + why, hint};
    case State::held:
      return {Status::warn, "shelf '" + name + "' is held and goes on later" + why, hint};
    default:
      break;
  }
  if (now - report.updated_at > report_expires_after) {
    return {Status::unknown,
            "shelf '" + name + "' was " + progress(report) + ", but its worker has been silent for " +
                std::to_string(std::chrono::duration_cast<seconds>(now - report.updated_at).count()) + " s",
            "`systemctl status " + unit + "` tells whether it still runs"};
  }
  return {Status::warn, "shelf '" + name + "' is not ready yet: " + progress(report), {}};
}

}  // namespace

std::string_view to_text(State state) {
  for (const StateName& row : state_names) {
    if (row.state == state) return row.name;
  }
  return "failed";
}

std::optional<State> state_of(std::string_view text) {
  for (const StateName& row : state_names) {
    if (row.name == text) return row.state;
  }
  return std::nullopt;
}

std::string to_json(const Report& report) {
  json::array repositories;
  for (const RepositoryReport& repository : report.repositories) {
    repositories.push_back({{"id", repository.id},
                            {"revision", repository.revision},
                            {"state", to_text(repository.state)},
                            {"done", amount_json(repository.done)},
                            {"verified", amount_json(repository.verified)},
                            {"total", amount_json(repository.total)}});
  }
  json::array current;
  for (const FileReport& file : report.current)
    current.push_back({{"path", file.path}, {"done", file.done.count}, {"total", file.total.count}});
  json::array store;
  for (const Finding& finding : report.store) {
    store.push_back({{"status", to_text(finding.status)}, {"says", finding.says}, {"hint", finding.hint}});
  }
  json::object all{{"format", 1},
                   {"shelf", report.shelf},
                   {"state", to_text(report.state)},
                   {"source", to_text(report.source)},
                   {"done", amount_json(report.done)},
                   {"verified", amount_json(report.verified)},
                   {"total", amount_json(report.total)},
                   {"rate_bytes_per_second", report.rate.count},
                   {"eta_seconds", nullptr},
                   {"error", nullptr},
                   {"retry_at", nullptr},
                   {"started_at", seconds_of(report.started_at)},
                   {"updated_at", seconds_of(report.updated_at)},
                   {"worker", report.worker},
                   {"repositories", repositories},
                   {"current", std::move(current)},
                   {"store", store}};
  if (report.eta) all["eta_seconds"] = report.eta->count();
  if (report.error) all["error"] = error_json(*report.error);
  if (report.retry_at) all["retry_at"] = seconds_of(*report.retry_at);
  return pretty_json(all);
}

Result<Report> read_report(const system::Files& files, std::string_view shelf) {
  const std::string path = path_of(shelf);
  const auto text = files.read(path, report_limit);
  if (!text) return fail(text.error());
  return parse(*text, path, shelf);
}

Result<void> write_report(const system::Files& files, const Report& report) {
  const auto written = files.write(path_of(report.shelf), to_json(report), 0644);
  if (!written) return fail(written.error());
  return {};
}

Reports read_reports(const system::Files& files, const profile::Profile& profile) {
  Reports reports;
  for (const profile::Shelf& shelf : profile.shelves)
    reports.emplace(shelf.name, read_report(files, shelf.name));
  return reports;
}

Findings findings(const Reports& reports, const profile::Profile& profile, system_clock::time_point now) {
  Findings all;
  Finding store{Status::pass, "the stage workers' records are sound", {}};
  bool heard = false;
  for (const profile::Shelf& shelf : profile.shelves) {
    const auto found = reports.find(shelf.name);
    const Result<Report> none = fail(Why::missing, "not looked");
    const Result<Report>& report = found == reports.end() ? none : found->second;
    all.push_back({"shelf." + shelf.name, "shelf " + shelf.name, judge(report, shelf.name, now), now});
    if (!report) continue;
    heard = true;
    for (const Finding& finding : report->store) {
      if (finding.status > store.status) store = finding;
    }
  }
  if (heard) all.push_back({"shelf.store", "records of the stage workers", store, now});
  return all;
}

}  // namespace fettle::shelf
