#include "storage/report.h"

#include "base/json.h"
#include "base/names.h"
#include "base/utc.h"

namespace fettle::storage {
namespace {

namespace json = boost::json;

constexpr std::uint64_t format = 1;

json::object to_object(const PhaseReport& phase) {
  json::array warnings;
  for (const std::string& warning : phase.warnings) warnings.emplace_back(warning);
  json::array steps;
  for (const ReportedStep& step : phase.steps)
    steps.push_back({{"says", step.says}, {"outcome", step.outcome}});
  return {{"status", to_text(phase.status)},
          {"says", phase.says},
          {"hint", phase.hint},
          {"warnings", warnings},
          {"steps", steps},
          {"at", phase.status == Status::unknown ? std::string() : utc_text(phase.at)},
          {"duration_ms", phase.duration.count()}};
}

json::object to_object(const ReportedDrive& drive) {
  return {{"serial", drive.serial},   {"model", drive.model}, {"name", drive.name},
          {"size", drive.size.count}, {"role", drive.role},   {"why", drive.why}};
}

Status parse_status(const std::string& word) {
  for (const Status status : {Status::pass, Status::not_applicable, Status::warn, Status::fail}) {
    if (word == to_text(status)) return status;
  }
  return Status::unknown;
}

const json::array& list_in(const json::value& object, std::string_view key) {
  static const json::array none;
  const json::value* const field = json_field(object, key);
  const json::array* const list = field == nullptr ? nullptr : field->if_array();
  return list == nullptr ? none : *list;
}

PhaseReport parse_phase(const json::value* value) {
  PhaseReport phase;
  if (value == nullptr || !value->is_object()) return phase;
  phase.status = parse_status(json_text(*value, "status"));
  phase.says = json_text(*value, "says");
  phase.hint = json_text(*value, "hint");
  for (const json::value& warning : list_in(*value, "warnings")) {
    if (warning.is_string()) phase.warnings.emplace_back(warning.get_string());
  }
  for (const json::value& step : list_in(*value, "steps")) {
    phase.steps.push_back({json_text(step, "says"), json_text(step, "outcome")});
  }
  phase.at = parse_utc(json_text(*value, "at"));
  phase.duration = std::chrono::milliseconds(json_count(*value, "duration_ms"));
  return phase;
}

json::array to_array(const Rivals& rivals) {
  json::array found;
  for (const Rival& rival : rivals.found) {
    found.push_back({{"id", rival.id},
                     {"who", rival.who},
                     {"path", rival.path},
                     {"says", rival.says},
                     {"means", rival.means},
                     {"advice", rival.advice},
                     {"answer", to_text(rival.answer)}});
  }
  return found;
}

json::array unread(const Rivals& rivals) {
  json::array said;
  for (const Error& error : rivals.blind) said.emplace_back(error.said);
  return said;
}

std::optional<Rivals> parse_rivals(const json::value& report) {
  if (json_field(report, "rivals") == nullptr) return std::nullopt;
  Rivals rivals;
  for (const json::value& item : list_in(report, "rivals")) {
    rivals.found.push_back(
        {json_text(item, "id"), json_text(item, "who"), json_text(item, "path"), json_text(item, "says"),
         json_text(item, "means"), json_text(item, "advice"),
         json_text(item, "answer") == to_text(Answer::warn) ? Answer::warn : Answer::stand_down});
  }
  for (const json::value& said : list_in(report, "rivals_unread")) {
    if (said.is_string()) rivals.blind.push_back({Why::failed, std::string(said.get_string()), {}});
  }
  return rivals;
}

ReportedDrive reported(const PlannedDrive& planned) {
  return {planned.drive.serial,
          planned.drive.model,
          planned.drive.name,
          planned.drive.size,
          std::string(to_text(planned.role)),
          planned.why};
}

}  // namespace

Report report_of(const Plan& plan, const Ending& ending, const profile::Profile& profile) {
  Report report;
  report.verdict = to_text(plan.verdict);
  if (profile.cache) report.path = profile.cache->path;
  PhaseReport& boot = report.boot;
  boot.says = plan.says;
  boot.warnings = plan.warnings;
  boot.status = plan.warnings.empty() ? Status::pass : Status::warn;
  report.rivals = plan.rivals;
  for (const PlannedDrive& planned : plan.drives) report.drives.push_back(reported(planned));
  for (const Applied& applied : ending.steps) boot.steps.push_back({applied.says, to_text(applied.outcome)});
  if (const Error* const error = plan.refusal ? &*plan.refusal : ending.error ? &*ending.error : nullptr) {
    boot.status = Status::fail;
    boot.says = error->said;
    boot.hint = error->hint;
    return report;
  }
  report.device = ending.device;
  report.array_uuid = ending.record.array_uuid;
  report.filesystem_uuid = ending.record.filesystem_uuid;
  report.generation = ending.record.generation;
  for (ReportedDrive& drive : report.drives) {
    for (const facts::Drive& member : plan.members) {
      if (drive.serial == member.serial && drive.name == member.name) drive.role = to_text(Role::ours);
    }
  }
  return report;
}

std::string to_json(const Report& report) {
  json::array drives;
  for (const ReportedDrive& drive : report.drives) drives.push_back(to_object(drive));
  json::object page{{"format", format},
                    {"verdict", report.verdict},
                    {"boot", to_object(report.boot)},
                    {"cache", to_object(report.cache)},
                    {"path", report.path},
                    {"device", report.device},
                    {"array_uuid", report.array_uuid},
                    {"filesystem_uuid", report.filesystem_uuid},
                    {"generation", report.generation},
                    {"drives", drives}};
  if (report.rivals) {
    page["rivals"] = to_array(*report.rivals);
    page["rivals_unread"] = unread(*report.rivals);
  }
  return pretty_json(page);
}

Result<Report> parse_report(std::string_view text) {
  const auto value = parse_json(text, "the report of provisioning");
  if (!value) return fail(value.error());
  if (json_count(*value, "format") != format) {
    return fail(Why::malformed, "cannot use the report of provisioning: its format is another version's",
                "`systemctl restart fettle-provision.service` writes it anew");
  }
  Report report;
  report.verdict = json_text(*value, "verdict");
  report.boot = parse_phase(json_field(*value, "boot"));
  report.cache = parse_phase(json_field(*value, "cache"));
  report.path = json_text(*value, "path");
  report.device = json_text(*value, "device");
  report.array_uuid = json_text(*value, "array_uuid");
  report.filesystem_uuid = json_text(*value, "filesystem_uuid");
  report.generation = json_text(*value, "generation");
  for (const json::value& item : list_in(*value, "drives")) {
    report.drives.push_back({json_text(item, "serial"),
                             json_text(item, "model"),
                             json_text(item, "name"),
                             {json_count(item, "size")},
                             json_text(item, "role"),
                             json_text(item, "why")});
  }
  report.rivals = parse_rivals(*value);
  return report;
}

Result<Report> read_report(const system::Files& files) {
  const auto text = files.read(names::provision_report, 1_MiB);
  if (!text) {
    Error error = text.error();
    if (error.why == Why::missing) error.hint = "has fettle-provision.service run? `systemctl status` tells";
    return fail(std::move(error));
  }
  return parse_report(*text);
}

Result<Outcome> write_report(const system::Files& files, const Report& report) {
  return files.write(names::provision_report, to_json(report), 0644);
}

json::object describe(const Plan& plan) {
  json::array drives;
  for (const PlannedDrive& planned : plan.drives) {
    json::object drive = to_object(reported(planned));
    drive["wwid"] = planned.drive.wwid;
    drive["nsid"] = planned.drive.nsid;
    drive["numa_node"] = planned.drive.numa_node;
    drives.push_back(std::move(drive));
  }
  json::array steps;
  for (const Step& step : plan.steps) {
    json::array destroys;
    for (const std::string& serial : step.destroys) destroys.emplace_back(serial);
    steps.push_back({{"act", to_text(step.act)},
                     {"says", step.says},
                     {"destroys", destroys},
                     {"command", step.command.argv.empty() ? std::string() : system::to_text(step.command)}});
  }
  json::array warnings;
  for (const std::string& warning : plan.warnings) warnings.emplace_back(warning);
  return {{"verdict", to_text(plan.verdict)},
          {"status", to_text(plan.refusal            ? Status::fail
                             : plan.warnings.empty() ? Status::pass
                                                     : Status::warn)},
          {"says", plan.refusal ? plan.refusal->said : plan.says},
          {"hint", plan.refusal ? plan.refusal->hint : std::string()},
          {"warnings", warnings},
          {"device", plan.device},
          {"drives", drives},
          {"rivals", to_array(plan.rivals.value_or(Rivals()))},
          {"rivals_unread", unread(plan.rivals.value_or(Rivals()))},
          {"steps", steps}};
}

}  // namespace fettle::storage
