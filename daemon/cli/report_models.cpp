#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/report_sections.h"
#include "cli/status_page.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

std::string verified_text(const json::value& repository) {
  const json::value* const verified = json_field(repository, "verified");
  const json::value* const total = json_field(repository, "total");
  if (verified == nullptr || total == nullptr) return "not told";
  const std::uint64_t of = json_count(*total, "bytes");
  const std::uint64_t done = json_count(*verified, "bytes");
  if (of == 0 && json_count(*total, "files") == 0) return "not yet";
  return done >= of ? "every byte" : to_text(Bytes{done}) + " of " + to_text(Bytes{of});
}

void add_repositories(Html& html, const json::value& report) {
  std::vector<Row> rows;
  for (const json::value& repository : json_list(report, "repositories")) {
    const json::value* const total = json_field(repository, "total");
    const std::uint64_t bytes = total == nullptr ? 0 : json_count(*total, "bytes");
    const std::uint64_t files = total == nullptr ? 0 : json_count(*total, "files");
    rows.push_back({Cell(json_text(repository, "id")), Cell(json_text(repository, "revision")),
                    Cell(json_text(repository, "state")), Cell(files == 0 ? "" : std::to_string(files)),
                    Cell(bytes == 0 ? "" : to_text(Bytes{bytes})), Cell(verified_text(repository))});
  }
  if (rows.empty()) return;
  add_table(html,
            {{"repository"},
             {"commit", Kind::code},
             {"state", Kind::status},
             {"files", Kind::number},
             {"size", Kind::number},
             {"verified"}},
            rows);
}

void add_shelf(Html& html, const std::string& name, const Asked& answer) {
  html.around("<h3>Shelf ", name, "</h3>\n");
  const json::value* const shelf = part_of(answer, "shelf");
  if (shelf == nullptr) {
    html.markup("<p>This shelf was not seen.</p>\n");
    return;
  }
  const std::string total = size_text(*shelf, "total_bytes");
  html.markup("<p>");
  add_status(html, json_text(*shelf, "state"));
  html.around(", ", to_text(Bytes{json_count(*shelf, "done_bytes")}),
              total.empty() ? Markup(" on the cache; its whole size is not known yet") : Markup(" of "));
  html.text(total);
  if (const std::uint64_t rate = json_count(*shelf, "bytes_per_second"); rate > 0)
    html.around(", ", to_text(Bytes{rate}), " a second");
  if (const json::value* const left = json_field(*shelf, "seconds_left");
      left != nullptr && left->is_number()) {
    html.around(", ", time_text(std::chrono::seconds(json_count(*shelf, "seconds_left"))), " left");
  }
  html.markup(".");
  if (const std::string error = json_text(*shelf, "error"); !error.empty()) html.around(" ", error, "");
  html.markup("</p>\n");
  add_growth(html, *answer);
  const json::value* const report = part_of(answer, "report");
  if (report == nullptr || !report->is_object()) {
    html.markup("<p>Its models were not seen: its worker has not reported in this boot.</p>\n");
  } else {
    add_repositories(html, *report);
  }
}

}  // namespace

void add_models(Html& html, const Answers& answers) {
  html.markup("<section>\n<h2>Models</h2>\n");
  if (answers.shelves.empty()) html.markup("<p>The profile wants no shelf of models.</p>\n");
  for (const auto& [name, answer] : answers.shelves) add_shelf(html, name, answer);
  html.markup("</section>\n");
}

void add_environment(Html& html, const Answers& answers) {
  html.markup("<section>\n<h2>Environment</h2>\n");
  const json::value* const env = part_of(answers.env, "env");
  if (env == nullptr) {
    html.markup("<p>The environment was not seen.</p>\n</section>\n");
    return;
  }
  std::string files;
  for (const json::value& file : json_list(*env, "files")) {
    if (file.is_string()) files += (files.empty() ? "" : ", ") + std::string(file.get_string());
  }
  if (!files.empty()) html.around("<p class=\"origin\">Delivered by ", files, ".</p>\n");
  std::vector<Row> rows;
  for (const json::value& variable : json_list(*env, "variables")) {
    rows.push_back({Cell(json_text(variable, "name") + "=" + json_text(variable, "value")),
                    Cell(json_text(variable, "scope")), Cell(json_text(variable, "why"))});
  }
  if (rows.empty()) {
    html.markup("<p>The profile sets no variable.</p>\n");
  } else {
    add_table(html, {{"variable", Kind::code}, {"for"}, {"why"}}, rows);
  }
  std::vector<Row> refused;
  for (const json::value& each : json_list(*env, "refused"))
    refused.push_back(
        {Cell(json_text(each, "name")), Cell(json_text(each, "said")), Cell(json_text(each, "hint"))});
  if (!refused.empty()) {
    html.markup("<h3>Not delivered</h3>\n");
    add_table(html, {{"variable", Kind::code}, {"why"}, {"what to do"}}, refused);
  }
  html.markup("</section>\n");
}

}  // namespace fettle::cli
