// fettle report: everything that the daemon knows of this node, as one page for a browser.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/report_page.h"
#include "cli/words.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

Result<Answers> ask(Client& client) {
  auto status = client.json("/v1/status");
  if (!status) return fail(status.error());
  Answers answers;
  answers.status = std::move(*status);
  answers.facts = client.json("/v1/facts");
  answers.storage = client.json("/v1/storage");
  answers.env = client.json("/v1/env");
  answers.ledger = client.json("/v1/ledger");
  for (const json::value& shelf : json_list(answers.status, "shelves")) {
    const std::string name = json_text(shelf, "name");
    answers.shelves.emplace_back(name, client.json("/v1/shelves/" + name));
  }
  return answers;
}

// The same for programs. What could not be had stands there as null.
json::value to_json(const Answers& answers) {
  const auto of = [](const Asked& asked) { return asked ? *asked : json::value(nullptr); };
  json::array shelves;
  for (const auto& [name, answer] : answers.shelves) shelves.push_back(of(answer));
  json::object all{{"status", answers.status}};
  all["facts"] = of(answers.facts);
  all["storage"] = of(answers.storage);
  all["env"] = of(answers.env);
  all["ledger"] = of(answers.ledger);
  all["shelves"] = std::move(shelves);
  return all;
}

}  // namespace

int run_report(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle report",
      "Everything that the daemon knows of this node as one page for a browser (--html), or with --json for "
      "programs. The page needs nothing else: no network, no script.");
  std::string output;
  bool is_html = false;
  words.flag("--html", is_html, "Make the page");
  const Word& left =
      words.option("--output", output, "Leave it in this file, readable to everybody, instead of printing it")
          .type_name("FILE");
  if (const auto code = words.read(context, arguments)) return *code;
  if (is_html == (context.format == Format::json)) {
    return report(context,
                  {Why::malformed, "cannot tell what kind of report is wanted",
                   "`fettle report --html` makes a page, `fettle report --json` an answer for programs"},
                  usage);
  }
  if (left.is_given() && !output.starts_with('/')) {
    return report(context,
                  {Why::malformed, "cannot write '" + output + "': the path does not begin with '/'",
                   "say where the file lies from the root on, or print it: `fettle report --html > FILE`"},
                  usage);
  }
  Client client(context.system.files);
  const auto answers = ask(client);
  if (!answers) return report(context, answers.error(), unreachable);
  const std::string page =
      is_html ? report_page(*answers, context.system.clock.now()) : pretty_json(to_json(*answers));
  if (output.empty()) {
    context.out << page;
    return ok;
  }
  const auto written = context.system.files.write(output, page, 0644);
  if (!written)
    return report(context, written.error(), written.error().why == Why::denied ? not_permitted : failed);
  return ok;
}

}  // namespace fettle::cli
