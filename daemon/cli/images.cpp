// fettle images list|pull: the container images that are wanted, and having docker or podman pull them.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/words.h"
#include "images/pull.h"
#include "profile/images.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;
using images::Report;
using images::State;

int complain(Context& context, const profile::Complaints& complaints) {
  for (const profile::Complaint& each : complaints) context.err << profile::to_text(each) << '\n';
  return bad_config;
}

int code_of(const std::vector<Report>& reports) {
  const auto is_ready = [](const Report& report) { return images::state_of(report) == State::ready; };
  if (std::all_of(reports.begin(), reports.end(), is_ready)) return ok;
  const auto has_failed = [](const Report& report) { return images::state_of(report) == State::failed; };
  return std::any_of(reports.begin(), reports.end(), has_failed) ? failed : partial;
}

void print(std::ostream& out, const Report& report) {
  out << report.list << ": " << to_text(images::state_of(report)) << ", " << to_text(images::done_of(report))
      << " of " << to_text(images::total_of(report)) << (report.engine.empty() ? "" : ", " + report.engine)
      << '\n';
  for (const images::ImageReport& image : report.images) {
    const std::string state(to_text(image.state));
    out << "  " << state << std::string(9 - std::min<std::size_t>(8, state.size()), ' ') << image.name
        << (image.is_unpinned ? ", by its tag" : "")
        << (image.size.count == 0 ? "" : ", " + to_text(image.size)) << '\n';
    if (!image.error.said.empty()) out << "           " << fettle::to_text(image.error) << '\n';
  }
  if (!report.error.said.empty()) out << "  " << fettle::to_text(report.error) << '\n';
}

int tell(Context& context, const std::vector<Report>& reports) {
  if (context.format == Format::json) {
    json::array all;
    for (const Report& report : reports) all.emplace_back(*parse_json(images::to_json(report), "the report"));
    context.out << pretty_json(json::object{{"images", std::move(all)}});
  } else {
    for (const Report& report : reports) print(context.out, report);
    if (reports.empty())
      context.out << "no images are wanted; `images:` in the configuration names lists of them\n";
  }
  return code_of(reports);
}

int list(Context& context, const std::vector<profile::ImageList>& wanted) {
  const auto engine = images::find_engine(context.system);
  std::vector<Report> reports;
  for (const profile::ImageList& each : wanted) {
    reports.push_back(images::look(context.system, engine, each));
    if (const auto last = images::read_report(context.system.files, each.name))
      images::keep_reasons(reports.back(), *last);
  }
  return tell(context, reports);
}

int show_plan(Context& context, const std::vector<profile::ImageList>& wanted) {
  const auto engine = images::find_engine(context.system);
  if (!engine) return report(context, engine.error());
  json::array all;
  for (const profile::ImageList& each : wanted) {
    for (const auto& command : images::plan(*engine, each, images::look(context.system, engine, each)))
      all.emplace_back(system::to_text(command));
  }
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{{"commands", std::move(all)}});
    return ok;
  }
  for (const json::value& command : all) context.out << std::string_view(command.as_string()) << '\n';
  if (all.empty()) context.out << "nothing to do: every image is here\n";
  return ok;
}

int pull(Context& context, const std::vector<profile::ImageList>& wanted) {
  const auto engine = images::find_engine(context.system);
  std::vector<Report> reports;
  std::optional<Error> unwritten;
  const auto publish = [&](const Report& report) {
    if (const auto written = images::write_report(context.system.files, report); !written)
      unwritten = written.error();
  };
  for (const profile::ImageList& each : wanted) {
    reports.push_back(engine ? images::pull(context.system, *engine, each, publish)
                             : images::look(context.system, engine, each));
    if (!engine) publish(reports.back());
  }
  if (unwritten) return report(context, *unwritten, unwritten->why == Why::denied ? not_permitted : failed);
  return tell(context, reports);
}

}  // namespace

int run_images(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle images",
      "The container images that the configuration wants, by digest. docker pulls them, or podman where\n"
      "docker does not answer.\n"
      "Exit code: 0 all are here, 1 some are not yet, 2 one failed, 78 the configuration has mistakes.");
  words.needs_one_verb();
  words.verb("list", "Which are here");
  Words& pull_verb = words.verb("pull", "Pull those that are not; fettle-images.timer runs it");
  bool is_dry_run = false;
  pull_verb.flag("--dry-run", is_dry_run, "Print what would be run");
  if (const auto code = words.read(context, arguments)) return *code;
  const auto wanted = profile::load_images(context.system.files);
  if (!wanted.complaints.empty()) return complain(context, wanted.complaints);
  if (wanted.lists.empty()) return tell(context, {});
  if (!pull_verb.is_given()) return list(context, wanted.lists);
  return is_dry_run ? show_plan(context, wanted.lists) : pull(context, wanted.lists);
}

}  // namespace fettle::cli
