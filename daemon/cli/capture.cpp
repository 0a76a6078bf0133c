// fettle capture: this node as an archive, for a report to somebody who has no access to it, and for tests.
#include "facts/capture.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "app/look.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/path.h"
#include "cli/words.h"
#include "profile/load.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

// All that a daemon would look at; without a usable configuration all that needs none.
void look(const system::System& system) {
  const profile::Loaded loaded = profile::load(system.files);
  if (!loaded.profile) {
    (void)facts::gather(system.files);
    return;
  }
  app::Look look(system.files, system.clock, {});
  (void)look(*loaded.profile, app::Depth::everything);
}

json::array to_json(const std::vector<facts::LeftOut>& all) {
  json::array list;
  for (const facts::LeftOut& one : all) list.push_back({{"path", one.path}, {"why", one.why}});
  return list;
}

json::object to_json(const facts::Captured& captured, const std::string& output) {
  json::object replaced;
  for (const auto& [sort, count] : captured.replaced) replaced[sort] = count;
  json::object object{{"archive", output}, {"files", captured.files}, {"size_bytes", captured.size.count}};
  object["left_out"] = to_json(captured.left_out);
  object["unreadable"] = to_json(captured.unreadable);
  object["replaced"] = std::move(replaced);
  return object;
}

void print(std::ostream& out, const facts::Captured& captured, const std::string& output) {
  out << output << ": " << count_of(captured.files, "file") << ", " << to_text(captured.size) << '\n';
  for (const auto& [sort, count] : captured.replaced)
    out << "replaced      " << count << " " << sort << (count == 1 ? "" : "s") << '\n';
  for (const facts::LeftOut& one : captured.left_out)
    out << "left out      " << one.path << ": " << one.why << '\n';
  for (const facts::LeftOut& one : captured.unreadable)
    out << "not readable  " << one.path << ": " << one.why << '\n';
  out << "Look through it before you hand it on: `tar --zstd -tvf " << output << "`\n";
}

}  // namespace

int run_capture(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle capture",
      "Writes all that fettle reads of this node into an archive: for a report, or as a machine for\n"
      "`fettle --root`. Serials, host names, addresses, users and tokens are replaced by made-up ones.");
  std::string output = "fettle-capture.tar.zst";
  words.option("--output", output, "The archive; without .zst at its end it is not compressed")
      .type_name("FILE");
  if (const auto code = words.read(context, arguments)) return *code;
  const system::Files& files = context.system.files;
  const std::string path = absolute(context, output);
  const auto there = files.exists(path);
  if (!there)
    return report(context, there.error(), there.error().why == Why::denied ? not_permitted : failed);
  if (*there) {
    return report(context, {Why::refused, "cannot write the archive '" + output + "': it is there already",
                            "remove it, or name another one with --output"});
  }
  const auto captured = facts::capture(files, context.system.clock, {path, [&] { look(context.system); }});
  if (!captured) {
    return report(context, captured.error(), captured.error().why == Why::denied ? not_permitted : failed);
  }
  if (context.format == Format::json) {
    context.out << pretty_json(to_json(*captured, output));
  } else {
    print(context.out, *captured, output);
  }
  return ok;
}

}  // namespace fettle::cli
