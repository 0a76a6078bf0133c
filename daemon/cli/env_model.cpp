#include "cli/env_model.h"

#include <ostream>

#include "base/json.h"
#include "cli/advice_text.h"
#include "env/dialect.h"

namespace fettle::cli {
namespace {

std::string arguments_of(const models::Advice& advice) {
  std::string text;
  for (const models::Argument& each : advice.arguments) text += (text.empty() ? "" : " ") + each.text;
  return text;
}

// Comments are one line in every dialect, whatever a rule or the operator wrote.
void print_comment(std::ostream& out, const std::string& text) {
  out << "# ";
  for (const char c : text) out << (static_cast<unsigned char>(c) < ' ' ? ' ' : c);
  out << '\n';
}

int print_dialect(Context& context, const env::Dialect& dialect, const ChosenModel& model,
                  const models::Wish& wish, const models::Advice& advice) {
  print_comment(context.out, model.facts.id + " with " + wish.engine.name + " " + wish.engine.version + ", " +
                                 models::to_text(advice.layout) + ", from " + model.from);
  print_comment(context.out, "arguments: " + arguments_of(advice));
  context.out << dialect.opening;
  int code = ok;
  for (const models::Setting& each : advice.settings) {
    const profile::Variable variable{each.name, each.value, profile::Scope::all, each.reason.text, {}};
    auto fits = env::is_sound(variable);
    if (fits) fits = dialect.can_carry(variable);
    if (!fits) {
      context.err << "fettle: " << to_text(fits.error()) << '\n';
      code = partial;
      continue;
    }
    print_comment(context.out, each.reason.text + " " + origin_of(each.reason));
    context.out << dialect.assign(variable);
  }
  for (const models::Unset& each : advice.unset) {
    print_comment(context.out,
                  "leave " + each.name + " unset: " + each.reason.text + " " + origin_of(each.reason));
    if (dialect.name == "sh") context.out << "unset " << each.name << '\n';
  }
  return code;
}

}  // namespace

int print_model_env(Context& context, const ModelOptions& options, const std::string& format) {
  const auto knowledge = load_knowledge(context);
  if (!knowledge) return report(context, knowledge.error(), bad_config);
  const auto model = find_model(context, *knowledge, options.model);
  if (!model) return report(context, model.error());
  const auto wish = wish_of(context, *knowledge, options);
  if (!wish) return report(context, wish.error(), usage);
  auto advice = models::advise(model->facts, knowledge->tables.rules, *wish);
  if (!advice) return report(context, advice.error());
  if (const auto image = find_image(*knowledge, options, wish->engine);
      image && knowledge->profile && !advice->is_blocked()) {
    lead_to_compiled(context, *knowledge, model->facts.id, image->reference, *advice);
  }
  const bool is_json = context.format == Format::json || format == "json";
  if (is_json) {
    context.out << pretty_json(to_json(*model, *wish, *advice));
    return advice->is_blocked() ? failed : ok;
  }
  if (advice->is_blocked()) {
    print_block(context.err, *advice);
    return failed;
  }
  const env::Dialect* const dialect = env::find_dialect(format);
  if (dialect == nullptr) {
    print_advice(context.out, *model, *wish, *advice);
    return ok;
  }
  return print_dialect(context, *dialect, *model, *wish, *advice);
}

}  // namespace fettle::cli
