// fettle ledger: when this boot reached each stage on its way to serving, what that cost, and how it was
// before.
#include <algorithm>
#include <boost/json/array.hpp>
#include <ostream>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/amount_text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/words.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

std::string padded(std::string text, std::size_t columns) {
  if (text.size() < columns) text.append(columns - text.size(), ' ');
  return text + "  ";
}

std::string time_of(const json::value& boot, const std::string& stage) {
  for (const json::value& each : json_list(boot, "stages")) {
    if (json_text(each, "name") == stage) return exact_time(json_count(each, "seconds"));
  }
  return "-";
}

// The boots beside this one: the one before, and the one in which the cache was new, where that is another.
struct Column {
  std::string heading;
  const json::value* boot;
};

std::vector<Column> columns_of(const json::value& ledger, const json::value& boot) {
  std::vector<Column> columns;
  const json::array& earlier = json_list(ledger, "earlier");
  if (!earlier.empty()) columns.push_back({"the boot before", &earlier.front()});
  const json::value* const first = json_field(ledger, "first");
  if (first == nullptr || !first->is_object() || json_text(*first, "id") == json_text(boot, "id"))
    return columns;
  if (!columns.empty() && json_text(*columns[0].boot, "id") == json_text(*first, "id")) {
    columns[0].heading = "the boot before, when the cache was new";
  } else {
    columns.push_back({"when the cache was new", first});
  }
  return columns;
}

void print(std::ostream& out, const json::value& ledger) {
  const json::value* const boot = json_field(ledger, "boot");
  if (boot == nullptr || !boot->is_object()) {
    out << "nothing is reached in this boot yet\n";
    return;
  }
  const json::value* const price = json_field(ledger, "price");
  const bool is_priced = price != nullptr && price->is_object();
  std::size_t width = 5;
  for (const json::value& stage : json_list(*boot, "stages"))
    width = std::max(width, json_text(stage, "name").size());
  out << "since the kernel started, " << json_text(*boot, "kernel_started_at") << "\n\n  "
      << padded("stage", width) << padded("after", 12) << padded("bytes", 10);
  if (is_priced) out << padded("cost", 12);
  const std::vector<Column> columns = columns_of(ledger, *boot);
  for (const Column& column : columns)
    out << (&column == &columns.back() ? column.heading : padded(column.heading, 15));
  out << '\n';
  for (const json::value& stage : json_list(*boot, "stages")) {
    const std::string name = json_text(stage, "name");
    const std::uint64_t bytes = json_count(stage, "bytes");
    out << "  " << padded(for_terminal(name), width) << padded(exact_time(json_count(stage, "seconds")), 12)
        << padded(bytes == 0 ? "-" : to_text(Bytes{bytes}), 10);
    if (is_priced)
      out << padded(money(json_count(stage, "cost_thousandths"), json_text(*price, "currency")), 12);
    for (const Column& column : columns) {
      const std::string time = time_of(*column.boot, name);
      out << (&column == &columns.back() ? time
                                         : padded(time, std::max<std::size_t>(15, column.heading.size())));
    }
    out << '\n';
  }
  if (!is_priced) out << "\n`price:` in /etc/fettle/fettle.yaml turns this into money\n";
}

}  // namespace

int run_ledger(Context& context, const std::vector<std::string>& arguments) {
  Words words("fettle ledger",
              "When this boot reached each stage on its way to serving, and what that cost.");
  if (const auto code = words.read(context, arguments)) return *code;
  Client client(context.system.files);
  const auto ledger = client.json("/v1/ledger");
  if (!ledger) return report(context, ledger.error(), unreachable);
  if (context.format == Format::json) {
    context.out << pretty_json(*ledger);
  } else {
    print(context.out, *ledger);
  }
  return ok;
}

}  // namespace fettle::cli
