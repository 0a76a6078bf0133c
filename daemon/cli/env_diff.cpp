#include "cli/env_diff.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/verdict.h"
#include "env/diff.h"
#include "models/image.h"
#include "models/run_line.h"
#include "profile/load.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

constexpr int could_not_look = 3;

struct Expected {
  std::string what;  // "what the profile wants"
  std::vector<profile::Variable> wanted;
  std::vector<env::Unwanted> unwanted;
};

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& each : texts) all += (all.empty() ? "" : ", ") + each;
  return all;
}

Expected of_node(const profile::Profile& profile, profile::Scope where) {
  return {"what profile " + profile.name + " wants", env::wanted(profile, where), env::unwanted(profile)};
}

// The variables of the line that would start it: one source for both.
Result<Expected> of_model(const Context& context, const profile::Profile& profile,
                          const ModelOptions& options) {
  auto knowledge = load_knowledge(context);
  if (!knowledge) return fail(knowledge.error());
  if (!knowledge->profile) return fail(knowledge->profile_error);
  const auto model = find_model(context, *knowledge, options.model);
  if (!model) return fail(model.error());
  const auto wish = wish_of(context, *knowledge, options);
  if (!wish) return fail(wish.error());
  auto advice = models::advise(model->facts, knowledge->tables.rules, *wish);
  if (!advice) return fail(advice.error());
  models::Container container;
  if (const auto image = find_image(*knowledge, options, wish->engine)) {
    container.image = lead_to_compiled(context, *knowledge, model->facts.id, image->reference, *advice);
    container.image_source = image->source;
  }
  const models::RunLine line =
      models::run_line(model->facts, *advice, *wish, &*knowledge->profile, container);
  Expected out{"what " + line.headline + " needs", {}, env::unwanted(profile)};
  for (const models::Part& part : line.parts) {
    if (part.words.size() != 2 || part.words[0] != "--env") continue;
    const auto mark = part.words[1].find('=');
    out.wanted.push_back({part.words[1].substr(0, mark), part.words[1].substr(mark + 1),
                          profile::Scope::container, part.reason.text, joined(part.reason.sources)});
  }
  for (const models::Unset& each : line.unset)
    out.unwanted.push_back({each.name, {}, each.reason.text, joined(each.reason.sources)});
  return out;
}

Status status_of(const std::vector<env::Compared>& rows) {
  Status status = Status::pass;
  for (const env::Compared& each : rows) {
    if (each.difference == env::Difference::unwanted) return Status::fail;
    if (each.difference != env::Difference::same) status = Status::warn;
  }
  return status;
}

// What others wrote goes to a terminal.
std::string shown(const std::string& text) {
  std::string out;
  for (const char c : text.substr(0, 200)) out += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
  return out + (text.size() > 200 ? "…" : "");
}

void print(std::ostream& out, const env::Running& running, const Expected& expected,
           const std::vector<env::Compared>& rows) {
  std::size_t same = 0;
  for (const env::Compared& each : rows) {
    switch (each.difference) {
      case env::Difference::same:
        ++same;
        continue;
      case env::Difference::missing:
        out << "missing   " << each.name << ", which should be " << shown(each.wants) << '\n';
        break;
      case env::Difference::other:
        out << "other     " << each.name << " is " << shown(each.has) << ", and should be "
            << shown(each.wants) << '\n';
        break;
      case env::Difference::unwanted:
        out << "unwanted  " << each.name << " is " << shown(each.has) << '\n';
        break;
    }
    out << "    " << each.why << "\n    " << each.source << '\n';
  }
  out << running.who << ": " << count_of(same, "variable") << " of " << expected.wanted.size() << " as "
      << expected.what << '\n';
}

json::value json_of(const env::Running& running, const Expected& expected,
                    const std::vector<env::Compared>& rows) {
  json::array all;
  for (const env::Compared& each : rows) {
    all.emplace_back(json::object{{"name", each.name},
                                  {"difference", env::to_text(each.difference)},
                                  {"has", each.has},
                                  {"wants", each.wants},
                                  {"why", each.why},
                                  {"source", each.source}});
  }
  return json::object{{"api", 1},
                      {"who", running.who},
                      {"against", expected.what},
                      {"status", to_text(status_of(rows))},
                      {"variables", std::move(all)}};
}

}  // namespace

int print_env_diff(Context& context, DiffOptions options) {
  if (options.pid.has_value() == !options.container.empty()) {
    return report(context, {Why::malformed, "cannot compare: name either --pid or --container", {}}, usage);
  }
  const profile::Loaded loaded = profile::load(context.system.files, profile::Tables::without_versions);
  if (!loaded.profile) return report_complaints(context, loaded.complaints);
  const auto running = options.pid ? env::of_process(context.system.files, *options.pid)
                                   : env::of_container(context.system, options.container);
  if (!running) return report(context, running.error(), could_not_look);
  // The container's own image tells the engine, unless somebody says otherwise.
  ModelOptions& model = options.model;
  if (model.engine.empty() && model.image.empty() && !running->image.empty()) {
    const auto engine = models::engine_of_image(running->image);
    if (engine && !engine->name.empty() && !engine->version.empty()) model.image = running->image;
  }
  const auto expected = model.model.empty() ? Result<Expected>(of_node(*loaded.profile, running->where))
                                            : of_model(context, *loaded.profile, model);
  if (!expected) return report(context, expected.error(), could_not_look);
  const auto rows = env::compare(*running, expected->wanted, expected->unwanted);
  if (context.format == Format::json) {
    context.out << pretty_json(json_of(*running, *expected, rows));
  } else {
    print(context.out, *running, *expected, rows);
  }
  return plugin_code(status_of(rows));
}

}  // namespace fettle::cli
