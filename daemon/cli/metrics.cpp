// fettle metrics: the daemon's metrics, printed, or left as a file that node_exporter picks up.
#include <algorithm>
#include <optional>
#include <ostream>

#include "base/json.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/words.h"
#include "serve/metrics.h"

namespace fettle::cli {
namespace {

Result<std::string> ask(Client& client) {
  auto reply = client.get("/metrics");
  if (!reply) return fail(reply.error());
  if (reply->status != 200) {
    const auto problem = parse_json(reply->body, "the daemon's answer");
    const std::string detail = problem ? json_text(*problem, "detail") : std::string();
    return fail(Why::refused, "cannot get the metrics: " + (detail.empty() ? "the daemon refused" : detail),
                problem ? json_text(*problem, "hint") : std::string());
  }
  return std::move(reply->body);
}

// What makes node_exporter pass over the file, or the file end up where nobody reads it.
std::optional<Error> mistake_in(const std::string& path, const system::Files& files) {
  if (!path.starts_with('/')) {
    return Error{Why::malformed, "cannot write '" + path + "': the path does not begin with '/'",
                 "say where the file lies from the root on"};
  }
  if (!path.ends_with(".prom")) {
    return Error{Why::malformed,
                 "cannot write '" + path + "': node_exporter reads only files that end in .prom",
                 "give it a name such as fettle.prom"};
  }
  const auto directory = files.look_through(path.substr(0, std::max<std::size_t>(1, path.rfind('/'))));
  if (directory && directory->kind == system::Kind::directory) return std::nullopt;
  const std::string said = directory ? "what should hold it is no directory" : directory.error().said;
  return Error{Why::missing, "cannot write '" + path + "': " + said,
               "the directory is the one that node_exporter was given as --collector.textfile.directory"};
}

// A page is written also when there are no metrics: the last one would go on saying that all is well.
int leave(Context& context, const std::string& path, const Result<std::string>& metrics) {
  const std::optional<std::string_view> known =
      metrics ? std::optional<std::string_view>(*metrics) : std::nullopt;
  const auto written =
      context.system.files.write(path, serve::textfile_text(known, context.system.clock.now()), 0644);
  if (!written)
    return report(context, written.error(), written.error().why == Why::denied ? not_permitted : failed);
  return metrics ? ok : report(context, metrics.error(), unreachable);
}

}  // namespace

int run_metrics(Context& context, const std::vector<std::string>& arguments) {
  Words words("fettle metrics",
              "The metrics of the daemon, as Prometheus text (also with --json). Ends with 69 when there "
              "are none.");
  std::string textfile;
  const Word& left =
      words
          .option("--textfile", textfile,
                  "Leave the page in this file for node_exporter, also when no daemon answers: it then says "
                  "fettle_up 0")
          .type_name("FILE");
  if (const auto code = words.read(context, arguments)) return *code;
  const bool is_left = left.is_given();
  if (is_left) {
    if (const auto error = mistake_in(textfile, context.system.files)) return report(context, *error, usage);
  }
  Client client(context.system.files);
  const auto metrics = ask(client);
  if (is_left) return leave(context, textfile, metrics);
  if (!metrics) return report(context, metrics.error(), unreachable);
  context.out << *metrics;
  return ok;
}

}  // namespace fettle::cli
