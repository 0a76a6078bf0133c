// fettle run-line: the complete command that serves a model on this node.
#include "models/run_line.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "cli/advice_text.h"
#include "cli/commands.h"
#include "cli/model_choice.h"
#include "cli/words.h"
#include "facts/readers.h"
#include "shelf/report.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

// A shelf says that each of its files was equal to its hash.
bool is_verified(const Context& context, const profile::Profile& profile, std::string_view id) {
  for (const auto& [name, report] : shelf::read_reports(context.system.files, profile)) {
    if (!report) continue;
    for (const shelf::RepositoryReport& each : report->repositories) {
      if (each.id == id && each.state == shelf::State::ready) return true;
    }
  }
  return false;
}

json::value to_json(const models::RunLine& line) {
  json::array parts;
  json::array command{"run", "--rm", "--name", line.name};
  for (const models::Part& part : line.parts) {
    json::array words;
    for (const std::string& word : part.words) {
      words.emplace_back(word);
      command.emplace_back(word);
    }
    json::array sources;
    for (const std::string& each : part.reason.sources) sources.emplace_back(each);
    parts.emplace_back(json::object{{"words", std::move(words)},
                                    {"rule", part.reason.rule},
                                    {"why", part.reason.text},
                                    {"confidence", part.reason.confidence},
                                    {"sources", std::move(sources)}});
  }
  return json::object{
      {"api", 1}, {"model", line.model}, {"command", std::move(command)}, {"parts", std::move(parts)}};
}

}  // namespace

int run_run_line(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle run-line",
      "The complete command that serves a model: devices, mounts, variables and arguments, each with its "
      "reason.");
  ModelOptions options;
  std::string format = "docker";
  words.option("MODEL", options.model, "OWNER/NAME").required();
  add_engine_options(words, options);
  words.option("--format", format, "docker, podman, compose or systemd")
      .among({"docker", "podman", "compose", "systemd"});
  if (const auto code = words.read(context, arguments)) return *code;
  const auto knowledge = load_knowledge(context);
  if (!knowledge) return report(context, knowledge.error(), bad_config);
  const auto model = find_model(context, *knowledge, options.model);
  if (!model) return report(context, model.error());
  auto wish = wish_of(context, *knowledge, options);
  if (!wish) return report(context, wish.error(), usage);
  const auto image = find_image(*knowledge, options, wish->engine);
  if (!image) return report(context, image.error());
  if (wish->engine.image.empty()) wish->engine.image = image->reference;
  auto advice = models::advise(model->facts, knowledge->tables.rules, *wish);
  if (!advice) return report(context, advice.error());
  if (!advice->served_by.empty()) {
    return report(context, {Why::refused,
                            "cannot serve " + model->facts.id + " with " + wish->engine.name +
                                ": it is served by " + advice->served_by,
                            advice->notices.empty() ? "" : advice->notices.front().text});
  }
  if (advice->is_blocked()) {
    print_block(context.err, *advice);
    return failed;
  }
  const auto& dialects = models::line_dialects();
  const auto* const dialect = std::find_if(
      dialects.begin(), dialects.end(), [&](const models::LineDialect& each) { return each.name == format; });
  models::Container container;
  container.program = dialect->program;
  container.image = image->reference;
  container.entry = image->entry == "serves" ? models::Entry::serves : models::Entry::shell;
  container.image_source = image->source;
  const profile::Profile* const profile = knowledge->profile ? &*knowledge->profile : nullptr;
  if (profile != nullptr)
    container.image = lead_to_compiled(context, *knowledge, model->facts.id, image->reference, *advice);
  if (const auto access = facts::read_gpu_access(context.system.files)) {
    const auto at = access->numbers.find("render");
    if (at != access->numbers.end()) container.render_group = std::to_string(at->second);
  }
  container.is_staged = profile != nullptr && is_verified(context, *profile, model->facts.id);
  const models::RunLine line = models::run_line(model->facts, *advice, *wish, profile, container);
  if (context.format == Format::json) {
    context.out << pretty_json(to_json(line));
  } else {
    context.out << dialect->write(line);
    for (const models::Notice& each : advice->notices) {
      context.err << "fettle: " << each.text << "\n  " << origin_of(each.reason) << '\n';
    }
  }
  if (profile == nullptr) {
    context.err << "fettle: " << to_text(knowledge->profile_error)
                << "\n  the line has no cache and none of the profile's variables\n";
    return partial;
  }
  return ok;
}

}  // namespace fettle::cli
