#include "cli/verdict.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/dialect.h"

namespace fettle::cli {

namespace json = boost::json;

int plugin_code(Status status) {
  return exit_code(Dialect::plain, status);
}

int report_complaints(Context& context, const profile::Complaints& complaints) {
  if (context.format == Format::json) {
    json::array all;
    for (const profile::Complaint& complaint : complaints) all.emplace_back(profile::to_text(complaint));
    context.out << pretty_json(json::object{{"status", "unknown"}, {"complaints", std::move(all)}});
  } else {
    for (const profile::Complaint& complaint : complaints) context.err << profile::to_text(complaint) << '\n';
    context.err << "fettle: cannot check the node: " << count_of(complaints.size(), "mistake")
                << " in the configuration\n  hint: `fettle profile show` tells when it is right\n";
  }
  return plugin_code(Status::unknown);
}

}  // namespace fettle::cli
