#include "cli/shelves.h"

#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "profile/load.h"
#include "shelf/report.h"

namespace fettle::cli {

namespace json = boost::json;

Result<profile::Profile> load_profile(const Context& context) {
  auto loaded = profile::load(context.system.files, profile::Tables::without_versions);
  if (loaded.profile) return std::move(*loaded.profile);
  std::string first =
      loaded.complaints.empty() ? "nothing to load" : profile::to_text(loaded.complaints.front());
  return fail(Why::malformed, "cannot load the configuration: " + first,
              "`fettle profile check` lists every mistake");
}

Result<profile::Shelf> find_shelf(const profile::Profile& profile, std::string_view name) {
  std::string known;
  for (const profile::Shelf& shelf : profile.shelves) {
    if (shelf.name == name) return shelf;
    known += (known.empty() ? "" : ", ") + shelf.name;
  }
  return fail(Why::missing, "cannot find the shelf '" + std::string(name) + "' in the configuration",
              known.empty() ? "it wants no shelf; name it under 'shelves' in /etc/fettle/fettle.yaml"
                            : "known here: " + known);
}

int stage_shelf(Context& context, const profile::Profile& profile, const profile::Shelf& shelf,
                const shelf::Options& options) {
  const auto staged = shelf::stage(context.system, profile, shelf, options);
  if (!staged) {
    // The cache or another worker's end can be waited for; broken records or a denied directory cannot.
    const bool passes = staged.error().why == Why::refused || staged.error().why == Why::missing;
    const int code = staged.error().why == Why::denied ? not_permitted : failed;
    return report(context, staged.error(), passes ? try_later : code);
  }
  const int code = stage_code(*staged);
  if (context.format == Format::json) {
    context.out << shelf::to_json(*staged);
    return code;
  }
  for (const Finding& finding : staged->store) {
    context.err << "fettle: " << to_text(Error{Why::failed, finding.says, finding.hint}) << '\n';
  }
  if (staged->error) return report(context, *staged->error, code);
  context.out << "shelf '" << shelf.name << "' is " << shelf::to_text(staged->state) << ": "
              << count_of(staged->total.files, "file") << ", " << to_text(staged->total.bytes)
              << ", each equal to its hash\n";
  return code;
}

std::string progress_of(const shelf::Report& report) {
  return to_text(report.done.bytes) + " of " + to_text(report.total.bytes) + ", " +
         std::to_string(report.done.files) + " of " + count_of(report.total.files, "file");
}

json::value report_json(const Result<shelf::Report>& report, std::string_view name) {
  if (report) {
    if (auto value = parse_json(shelf::to_json(*report), "the report")) return std::move(*value);
  }
  return json::object{{"shelf", name}, {"state", "unknown"}, {"error", {{"said", report.error().said}}}};
}

int stage_code(const shelf::Report& report) {
  if (report.state == shelf::State::ready) return ok;
  // Held without a time: an operator's order. Trying again would change nothing.
  return report.state == shelf::State::held && report.retry_at ? try_later : failed;
}

shelf::Hashed progress_line(Context& context, std::string_view done) {
  if (context.colour == Colour::off || context.format == Format::json) return [](Bytes, Bytes) {};
  return [&context, done = std::string(done), last = Bytes()](Bytes now, Bytes total) mutable {
    // A quarter of a percent: often enough to move, rare enough not to flicker.
    if (total.count == 0 || (now.count < total.count && (now.count - last.count) * 400 < total.count)) return;
    last = now;
    context.err << "\r" << done << " " << now.count * 100 / total.count << " %, " << to_text(now) << " of "
                << to_text(total) << "\x1b[K" << (now.count >= total.count ? "\r\x1b[K" : "") << std::flush;
  };
}

}  // namespace fettle::cli
