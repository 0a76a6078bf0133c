// fettle models: what is known of models, and what an engine needs for each.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "cli/advice_text.h"
#include "cli/commands.h"
#include "cli/model_choice.h"
#include "cli/words.h"
#include "models/budget.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

std::string shape_of(const profile::ModelFacts& model) {
  if (model.kind != "transformers") return model.kind;
  std::string text = model.model_type;
  if (model.quant != "none") text += ", " + model.quant;
  if (model.num_experts > 0) text += ", " + std::to_string(model.num_experts) + " experts";
  return text;
}

int list(Context& context, const Knowledge& knowledge) {
  json::array all;
  std::size_t widest = 0;
  for (const profile::ModelFacts& each : knowledge.tables.models) widest = std::max(widest, each.id.size());
  for (const profile::ModelFacts& shipped : knowledge.tables.models) {
    const auto chosen = find_model(context, knowledge, shipped.id);
    const bool is_staged = chosen && !chosen->snapshot.empty();
    const profile::ModelFacts& facts = chosen ? chosen->facts : shipped;
    if (context.format == Format::json) {
      all.emplace_back(json::object{{"id", facts.id},
                                    {"kind", facts.kind},
                                    {"model_type", facts.model_type},
                                    {"quant", facts.quant},
                                    {"experts", facts.num_experts},
                                    {"bytes", facts.size.count},
                                    {"staged", is_staged},
                                    {"error", chosen ? "" : chosen.error().said}});
      continue;
    }
    const std::string size = to_text(facts.size);
    context.out << facts.id << std::string(widest - facts.id.size() + 2, ' ')
                << std::string(10 - std::min<std::size_t>(10, size.size()), ' ') << size << "  "
                << (is_staged ? "staged  "
                    : chosen  ? "        "
                              : "broken  ")
                << shape_of(facts) << '\n';
    if (!chosen) context.err << "fettle: " << to_text(chosen.error()) << '\n';
  }
  if (context.format == Format::json)
    context.out << pretty_json(json::object{{"api", 1}, {"models", std::move(all)}});
  return ok;
}

int show(Context& context, const ChosenModel& model) {
  const profile::ModelFacts& facts = model.facts;
  if (context.format == Format::json) {
    json::object answer{{"api", 1},
                        {"id", facts.id},
                        {"from", model.from},
                        {"source", facts.source},
                        {"verified", facts.is_verified},
                        {"kind", facts.kind},
                        {"bytes", facts.size.count},
                        {"model_type", facts.model_type},
                        {"quant", facts.quant},
                        {"dtype", facts.dtype},
                        {"router", facts.router},
                        {"sparse_attention", facts.sparse_attention},
                        {"vision", facts.vision},
                        {"ships_kv_scales", facts.ships_kv_scales},
                        {"snapshot", model.snapshot}};
    for (const profile::NumberFact& each : profile::number_facts) answer[each.name] = facts.*(each.member);
    context.out << pretty_json(answer);
    return ok;
  }
  const auto row = [&](std::string_view name, const std::string& value) {
    context.out << "  " << name << std::string(20 - std::min<std::size_t>(19, name.size()), ' ') << value
                << '\n';
  };
  context.out << facts.id << ", from " << model.from
              << (facts.is_verified ? "" : " (a part of them was inferred)") << '\n';
  row("source", facts.source);
  row("kind", facts.kind);
  row("size", to_text(facts.size));
  if (facts.kind != "transformers") return ok;
  row("model_type", facts.model_type);
  row("quant", facts.quant);
  row("dtype", facts.dtype.empty() ? "not said" : facts.dtype);
  if (facts.num_experts > 0) row("router", facts.router);
  for (const profile::NumberFact& each : profile::number_facts) {
    const std::uint64_t value = facts.*(each.member);
    if (value > 0 && (facts.num_experts > 0 || each.name != "expert_groups"))
      row(each.name, std::to_string(value));
  }
  if (facts.vision) row("vision", "yes");
  if (facts.ships_kv_scales) row("KV scales", "shipped");
  return ok;
}

}  // namespace

int run_models(Context& context, const std::vector<std::string>& arguments) {
  Words words("fettle models",
              "What is known of models: read from a staged model's config.json, or shipped for the others.");
  ModelOptions options;
  words.needs_one_verb();
  Words& listing = words.verb("list", "all known models");
  Words& showing = words.verb("show", "the facts of one model");
  showing.option("MODEL", options.model, "OWNER/NAME").required();
  Words& explaining =
      words.verb("explain", "layout, variables and arguments that it needs, each with its reason");
  explaining.option("MODEL", options.model, "OWNER/NAME").required();
  add_engine_options(explaining, options);
  if (const auto code = words.read(context, arguments)) return *code;
  const auto knowledge = load_knowledge(context);
  if (!knowledge) return report(context, knowledge.error(), bad_config);
  if (listing.is_given()) return list(context, *knowledge);
  const auto model = find_model(context, *knowledge, options.model);
  if (!model) return report(context, model.error());
  if (showing.is_given()) return show(context, *model);
  const auto wish = wish_of(context, *knowledge, options);
  if (!wish) return report(context, wish.error(), usage);
  const auto advice = models::advise(model->facts, knowledge->tables.rules, *wish);
  if (!advice) return report(context, advice.error());
  if (context.format == Format::json) {
    context.out << pretty_json(to_json(*model, *wish, *advice));
  } else {
    print_advice(context.out, *model, *wish, *advice);
  }
  return advice->is_blocked() ? failed : ok;
}

}  // namespace fettle::cli
