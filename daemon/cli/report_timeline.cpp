#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/bytes.h"
#include "base/json.h"
#include "cli/amount_text.h"
#include "cli/report_sections.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

const json::value* stage_of(const json::value& boot, std::string_view name) {
  for (const json::value& stage : json_list(boot, "stages")) {
    if (json_text(stage, "name") == name) return &stage;
  }
  return nullptr;
}

}  // namespace

void add_timeline(Html& html, const Answers& answers) {
  html.markup("<section>\n<h2>From power-on to serving</h2>\n");
  const json::value* const boot = part_of(answers.ledger, "boot");
  if (!answers.ledger) {
    html.markup("<p>The times of this boot were not seen.</p>\n</section>\n");
    return;
  }
  if (boot == nullptr || !boot->is_object()) {
    html.markup("<p>Nothing is reached in this boot yet.</p>\n</section>\n");
    return;
  }
  const json::value* const price = part_of(answers.ledger, "price");
  const bool is_priced = price != nullptr && price->is_object();
  const std::string currency = is_priced ? json_text(*price, "currency") : std::string();
  const json::array& earlier = json_list(*answers.ledger, "earlier");
  const json::value* const before = earlier.empty() ? nullptr : &earlier.front();
  std::uint64_t longest = 1;
  for (const json::value& stage : json_list(*boot, "stages")) {
    const json::value* const same = before == nullptr ? nullptr : stage_of(*before, json_text(stage, "name"));
    longest = std::max({longest, json_count(stage, "seconds"),
                        same == nullptr ? std::uint64_t{0} : json_count(*same, "seconds")});
  }
  const auto part = [&](const json::value& stage) {
    return static_cast<double>(json_count(stage, "seconds")) / static_cast<double>(longest);
  };

  std::vector<Column> columns{
      {"stage"}, {"since kernel start", Kind::bar}, {"after", Kind::number}, {"bytes", Kind::number}};
  if (is_priced) columns.push_back({"cost", Kind::number});
  if (before != nullptr) columns.push_back({"boot before", Kind::number});
  std::vector<Row> rows;
  for (const json::value& stage : json_list(*boot, "stages")) {
    const std::string name = json_text(stage, "name");
    const json::value* const same = before == nullptr ? nullptr : stage_of(*before, name);
    Bar bar{part(stage), {}};
    if (same != nullptr) bar.mark = part(*same);
    const std::uint64_t bytes = json_count(stage, "bytes");
    Row row{Cell(name), Cell(bar), Cell(exact_time(json_count(stage, "seconds"))),
            Cell(bytes == 0 ? "" : to_text(Bytes{bytes}))};
    if (is_priced) row.emplace_back(money(json_count(stage, "cost_thousandths"), currency));
    if (before != nullptr) row.emplace_back(same == nullptr ? "" : exact_time(json_count(*same, "seconds")));
    rows.push_back(std::move(row));
  }
  html.around("<p class=\"origin\">The kernel started at ", moment(json_text(*boot, "kernel_started_at")),
              ".");
  if (is_priced) {
    html.around(" The node costs ", money(json_count(*price, "thousandths_per_hour"), currency), " an hour.");
  }
  if (before != nullptr) html.markup(" The upright mark is the boot before.");
  html.markup("</p>\n");
  add_table(html, columns, rows);
  if (!is_priced) {
    html.markup(
        "<p class=\"note\"><code>price:</code> in <code>/etc/fettle/fettle.yaml</code> turns this into "
        "money.</p>\n");
  }
  html.markup("</section>\n");
}

}  // namespace fettle::cli
