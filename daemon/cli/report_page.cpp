#include "cli/report_page.h"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/amount_text.h"
#include "cli/html.h"
#include "cli/report_sections.h"
#include "cli/report_style.h"
#include "cli/status_page.h"
#include "serve/print.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

bool is_set(const json::value& object, std::string_view key) {
  const json::value* const field = json_field(object, key);
  return field != nullptr && field->is_bool() && field->get_bool();
}

void add_head(Html& html, const Answers& answers, std::chrono::system_clock::time_point made_at) {
  const json::value& status = answers.status;
  const std::string state = json_text(status, "state");
  html.markup("<header>\n<h1>This node is ");
  add_status(html, state);
  html.markup("</h1>\n").around("<p class=\"why\">", json_text(status, "why"), "</p>\n");
  const json::value* const profile = json_field(status, "profile");
  html.around("<p class=\"meta\">Looked at ", moment(json_text(status, "taken_at")), ", ");
  html.text(time_text(std::chrono::seconds(json_count(status, "age_seconds"))))
      .around(" before this page was made at ", moment(serve::utc(made_at)), ". Profile ");
  html.text(profile == nullptr ? "" : json_text(*profile, "name"));
  html.around(", fettle ", json_text(status, "version"), ".</p>\n");
  if (is_set(status, "stale")) {
    html.markup(
        "<p class=\"notice\">The last look is too long ago to count: what stands below may be over. "
        "<code>systemctl status fettled</code> tells why no newer one came.</p>\n");
  }
}

struct Figure {
  std::string name;
  std::string figure;
  std::string detail;
};

Figure gpus_figure(const json::value& status) {
  const json::value* const gpus = json_field(status, "gpus");
  if (gpus == nullptr) return {"GPUs", "not seen", {}};
  const json::value* const seen = json_field(*gpus, "seen");
  const bool is_known = seen != nullptr && !seen->is_null();
  const std::string count = is_known ? std::to_string(json_count(*gpus, "seen")) : "?";
  const std::string model = json_text(*gpus, "model");
  const std::string driver = json_text(*gpus, "driver");
  return {"GPUs",
          model.empty() ? count : count + " of " + std::to_string(json_count(*gpus, "wanted")) + " " + model,
          !is_known        ? "could not be counted"
          : driver.empty() ? "no driver"
                           : "driver " + driver};
}

Figure cache_figure(const json::value& status) {
  const json::value* const cache = json_field(status, "cache");
  const std::string path = cache == nullptr ? "" : json_text(*cache, "path");
  if (path.empty()) return {"Cache", "none wanted", {}};
  const std::string available = size_text(*cache, "available_bytes");
  const std::string total = size_text(*cache, "total_bytes");
  if (total.empty()) return {"Cache", "not there", path};
  return {"Cache", available + " free", "of " + total + " at " + path};
}

Figure shelves_figure(const json::value& status) {
  const json::array& shelves = json_list(status, "shelves");
  if (shelves.empty()) return {"Model shelves", "none wanted", {}};
  std::size_t ready = 0;
  Bytes done;
  for (const json::value& shelf : shelves) {
    ready += is_set(shelf, "ready") ? 1 : 0;
    done += Bytes{json_count(shelf, "done_bytes")};
  }
  return {"Model shelves", std::to_string(ready) + " of " + std::to_string(shelves.size()) + " ready",
          to_text(done) + " on the cache"};
}

Figure checks_figure(const json::value& status) {
  const json::value* const counts = json_field(status, "counts");
  if (counts == nullptr) return {"Checks", "not seen", {}};
  std::string others;
  for (const std::string_view word : {"fail", "unknown", "warn"}) {
    const std::uint64_t count = json_count(*counts, word);
    if (count == 0) continue;
    others += (others.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(word);
  }
  return {"Checks", std::to_string(json_count(*counts, "pass")) + " pass", others};
}

Figure time_figure(const Answers& answers) {
  Figure figure{"Kernel start to ready", "not yet", {}};
  const json::value* const boot = part_of(answers.ledger, "boot");
  if (boot == nullptr || !boot->is_object()) {
    if (!answers.ledger || json_text(answers.status, "state") == "ready") figure.figure = "not seen";
    return figure;
  }
  const json::value* const price = part_of(answers.ledger, "price");
  for (const json::value& stage : json_list(*boot, "stages")) {
    if (json_text(stage, "name") != "ready") continue;
    figure.figure = exact_time(json_count(stage, "seconds"));
    if (price != nullptr && price->is_object())
      figure.detail = money(json_count(stage, "cost_thousandths"), json_text(*price, "currency"));
  }
  return figure;
}

void add_glance(Html& html, const Answers& answers) {
  const std::array figures{gpus_figure(answers.status), cache_figure(answers.status),
                           shelves_figure(answers.status), checks_figure(answers.status),
                           time_figure(answers)};
  html.markup("<dl class=\"glance\">\n");
  for (const Figure& each : figures) {
    html.around("<div><dt>", each.name, "</dt>").around("<dd class=\"figure\">", each.figure, "</dd>");
    if (!each.detail.empty()) html.around("<dd class=\"detail\">", each.detail, "</dd>");
    html.markup("</div>\n");
  }
  html.markup("</dl>\n</header>\n");
}

void add_finding(Html& html, const json::value& finding) {
  html.markup("<div class=\"finding\">");
  add_status(html, json_text(finding, "status"));
  html.around("<div><p class=\"says\">", json_text(finding, "says"), "</p>");
  if (const std::string hint = json_text(finding, "hint"); !hint.empty())
    html.around("<p class=\"advice\"><b>What to do:</b> ", hint, "</p>");
  if (const json::value* const known = json_field(finding, "acknowledged");
      known != nullptr && known->is_object()) {
    html.around("<p class=\"advice\"><b>Known:</b> acknowledged until ", moment(json_text(*known, "until")),
                " by ");
    html.text(json_text(*known, "by")).around(": ", json_text(*known, "because"), "</p>");
  }
  html.around("<p class=\"code\">", json_text(finding, "id"), "</p></div></div>\n");
}

void add_findings(Html& html, const json::value& status) {
  html.markup("<section>\n<h2>Findings</h2>\n");
  const json::array& findings = json_list(status, "findings");
  bool is_any = false;
  for (const std::string_view word : {"fail", "unknown", "warn"}) {
    for (const json::value& finding : findings) {
      if (json_text(finding, "status") != word) continue;
      if (!is_any) html.markup("<div>\n");
      is_any = true;
      add_finding(html, finding);
    }
  }
  if (is_any) html.markup("</div>\n");
  if (findings.empty()) html.markup("<p>Nothing was looked at.</p>\n");
  if (!is_any && !findings.empty()) html.markup("<p>No check found anything wrong.</p>\n");
  html.markup("</section>\n");
}

// Everything that an answer says was not read: what, and why.
std::vector<Row> not_seen(const Answers& answers) {
  std::vector<Row> rows;
  const auto add = [&](std::string what, std::string why) {
    rows.push_back({Cell(std::move(what)), Cell(std::move(why))});
  };
  constexpr std::string_view of_daemon = "the daemon's answer about ";
  for (const auto& [what, answer] : {std::pair<std::string_view, const Asked&>{"the machine", answers.facts},
                                     {"storage", answers.storage},
                                     {"the environment", answers.env},
                                     {"times", answers.ledger}}) {
    if (!answer) add(std::string(of_daemon) + std::string(what), answer.error().said);
  }
  if (const json::value* const facts = part_of(answers.facts, "facts");
      facts != nullptr && facts->is_object()) {
    for (const auto& [name, value] : facts->get_object()) {
      std::string words(name);
      for (char& c : words) c = c == '_' ? ' ' : c;
      if (const auto why = why_unknown(&value)) add(std::move(words), *why);
    }
  }
  if (answers.storage) {
    const json::value* const report = part_of(answers.storage, "report");
    if (report == nullptr || report->is_null()) add("provisioning", "it has not reported in this boot");
    if (const auto why = why_unknown(report)) add("provisioning", *why);
    for (const auto& [kind, what] :
         {std::pair<std::string_view, std::string_view>{"cache", "a trial of the cache"},
          {"drives", "the drives' health"},
          {"usage", "what fills the cache"}}) {
      const json::value* const collected = part_of(answers.storage, "collected");
      const json::value* const found = collected == nullptr ? nullptr : json_field(*collected, kind);
      if (const auto why = why_unknown(found)) add(std::string(what), *why);
    }
  }
  for (const auto& [name, answer] : answers.shelves) {
    if (!answer) {
      add("shelf " + name, answer.error().said);
    } else if (const json::value* const report = part_of(answer, "report");
               report == nullptr || report->is_null()) {
      add("shelf " + name, "its worker has not reported in this boot");
    }
  }
  return rows;
}

void add_not_seen(Html& html, const Answers& answers) {
  const std::vector<Row> rows = not_seen(answers);
  html.markup("<section>\n<h2>What was not seen</h2>\n");
  if (rows.empty()) {
    html.markup("<p>Everything that this page speaks of was looked at.</p>\n");
  } else {
    html.markup("<p class=\"origin\">Of these the page says nothing, neither good nor bad.</p>\n");
    add_table(html, {{"what"}, {"why"}}, rows);
  }
  html.markup("</section>\n");
}

void add_checks(Html& html, const json::value& status) {
  std::vector<Row> rows;
  for (const json::value& finding : json_list(status, "findings")) {
    rows.push_back({Cell(json_text(finding, "id")), Cell(json_text(finding, "title")),
                    Cell(json_text(finding, "status")), Cell(json_text(finding, "says"))});
  }
  if (rows.empty()) return;
  html.markup("<section>\n<h2>Every check</h2>\n");
  add_table(html, {{"check", Kind::code}, {"of"}, {"status", Kind::status}, {"found"}}, rows);
  html.markup("</section>\n");
}

}  // namespace

const json::value* finding_of(const Answers& answers, std::string_view id) {
  for (const json::value& finding : json_list(answers.status, "findings")) {
    if (json_text(finding, "id") == id) return &finding;
  }
  return nullptr;
}

const json::value* part_of(const Asked& asked, std::string_view key) {
  return asked ? json_field(*asked, key) : nullptr;
}

std::optional<std::string> why_unknown(const json::value* value) {
  if (value == nullptr) return std::nullopt;
  const json::value* const why = json_field(*value, "unknown");
  if (why == nullptr || !why->is_string()) return std::nullopt;
  return std::string(why->get_string());
}

std::string size_text(const json::value& object, std::string_view key) {
  const json::value* const field = json_field(object, key);
  return field == nullptr || !field->is_number() ? std::string() : to_text(Bytes{json_count(object, key)});
}

std::string moment(const std::string& time) {
  if (time.size() != 20 || time[10] != 'T' || time.back() != 'Z') return time;
  return time.substr(0, 10) + " " + time.substr(11, 8) + " UTC";
}

std::string report_page(const Answers& answers, std::chrono::system_clock::time_point made_at) {
  Html html;
  html.markup(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      // Nothing is fetched and nothing runs, whatever got into the page.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n");
  html.around("<title>Node report: ", json_text(answers.status, "state"), ", ");
  html.text(moment(json_text(answers.status, "taken_at"))).markup("</title>\n<style>");
  html.markup(report_style).markup("</style>\n</head>\n<body>\n");
  add_head(html, answers, made_at);
  add_glance(html, answers);
  html.markup("<main>\n");
  add_findings(html, answers.status);
  add_not_seen(html, answers);
  add_machine(html, answers);
  add_storage(html, answers);
  add_timeline(html, answers);
  add_models(html, answers);
  add_environment(html, answers);
  add_checks(html, answers.status);
  html.markup(
      "</main>\n<footer>Made by <code>fettle report --html</code> from what fettled knew; all times are UTC. "
      "Sizes count in powers of 1024.</footer>\n</body>\n</html>\n");
  return html.take();
}

}  // namespace fettle::cli
