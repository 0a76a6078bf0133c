#include "models/weighing.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace fettle::models {
namespace {

using profile::Condition;
using profile::Effect;
using profile::EngineVariable;
using profile::ModelRule;
using profile::Value;

bool is_among(const std::vector<std::string>& allowed, std::string_view value) {
  return allowed.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

std::string number_text(double number) {
  if (number == std::floor(number) && std::abs(number) < 1e15)
    return std::to_string(static_cast<long long>(number));
  std::string text = std::to_string(number);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

std::string_view flag_of(std::string_view argument) {
  return argument.substr(0, argument.find(' '));
}

const Reason& layout_reason() {
  static const Reason reason{"layout", "the parallel layout", {"the engine's own options"}, "source"};
  return reason;
}

}  // namespace

Weighing::Weighing(const profile::ModelFacts& model, const profile::ModelRules& rules, const Wish& wish,
                   const Inside& inside, const profile::Layout& layout)
    : model_(model), rules_(rules), wish_(wish), inside_(inside) {
  advice_.layout = layout;
  profile::Situation situation;
  situation.model = &model;
  situation.aiter = inside.aiter;
  situation.engine = wish.engine.name;
  situation.gfx = rules.gfx;
  situation.compute_units = rules.compute_units;
  situation.gpu_memory = wish.node.gpu_memory;
  situation.gpus = wish.node.gpus;
  situation.mec_firmware = wish.node.mec_firmware;
  situation.max_num_batched_tokens = inside.row->max_num_batched_tokens;
  situation.kv_cache_dtype = wish.kv_cache_dtype;
  situation.layout = layout;
  values_ = profile::values_of(situation);
  for (const EngineVariable& each : rules.variables) values_.push_back({profile::Type::text, 0, each.value});
  values_.resize(rules.symbols.size());
  // The operator's settings are looked at by rules like any other.
  for (const auto& [name, value] : wish.set) {
    if (const auto at = profile::find_symbol(rules.symbols, "env." + name)) values_[*at].text = value;
  }
  compute();
}

// Derived facts in their order: each needs only earlier ones.
void Weighing::compute() {
  for (std::size_t i = 0; i < rules_.derived.size(); ++i) {
    values_[rules_.first_derived + i] = rules_.derived[i].expression.evaluate(values_);
  }
}

bool Weighing::names_layout(const ModelRule& rule) {
  return rule.effect.layout ||
         std::any_of(rule.cases.begin(), rule.cases.end(),
                     [](const profile::Case& each) { return each.effect.layout.has_value(); });
}

bool Weighing::holds(const Condition& when) const {
  return is_among(when.engines, wish_.engine.name) &&
         (!when.versions || when.versions->contains(inside_.version)) && is_among(when.kinds, model_.kind) &&
         is_among(when.model_types, model_.model_type) && is_among(when.quants, model_.quant) &&
         is_among(when.routers, model_.router) && (!when.expression || when.expression->holds(values_));
}

std::string Weighing::text_of(const profile::Sentence& sentence) const {
  std::string text;
  for (const auto& piece : sentence.pieces) {
    text += piece.text;
    if (!piece.fact) continue;
    const Value& value = values_[*piece.fact];
    text += value.type == profile::Type::text     ? std::string(value.text)
            : value.type == profile::Type::number ? number_text(value.number)
            : value.number != 0                   ? "true"
                                                  : "false";
  }
  return text;
}

Reason Weighing::reason_of(const ModelRule& rule) const {
  return {rule.id, text_of(rule.reason), rule.sources, rule.confidence};
}

void Weighing::set(std::string_view name, std::string_view value, const Reason& reason) {
  const auto same = [&](const auto& each) { return each.name == name; };
  advice_.unset.erase(std::remove_if(advice_.unset.begin(), advice_.unset.end(), same), advice_.unset.end());
  const auto found = std::find_if(advice_.settings.begin(), advice_.settings.end(), same);
  if (found != advice_.settings.end()) {
    // Two rules that want the same have two reasons: the first is told, it stands nearer to the cause.
    if (found->value == value) return;
    found->value = value;
    found->reason = reason;
  } else {
    advice_.settings.push_back({std::string(name), std::string(value), reason});
  }
}

void Weighing::notice(Level level, const std::optional<profile::Sentence>& sentence, const Reason& reason) {
  if (sentence) advice_.notices.push_back({level, text_of(*sentence), reason});
}

void Weighing::add_argument(const std::string& text, const Reason& reason) {
  const auto found = std::find_if(advice_.arguments.begin(), advice_.arguments.end(),
                                  [&](const Argument& each) { return flag_of(each.text) == flag_of(text); });
  if (found == advice_.arguments.end()) {
    advice_.arguments.push_back({text, reason});
  } else if (found->text != text) {
    *found = {text, reason};
  }
}

void Weighing::apply(const ModelRule& rule, const Effect& effect) {
  const Reason reason = reason_of(rule);
  for (const auto& [name, value] : effect.env) {
    set(name, value, reason);
    if (wish_.set.count(name) == 0) {
      if (const auto at = profile::find_symbol(rules_.symbols, "env." + name)) values_[*at].text = value;
    }
  }
  for (const std::string& name : effect.unset) {
    const auto same = [&](const Setting& each) { return each.name == name; };
    advice_.settings.erase(std::remove_if(advice_.settings.begin(), advice_.settings.end(), same),
                           advice_.settings.end());
    advice_.unset.push_back({name, reason});
    const EngineVariable* const variable = profile::find_variable(rules_, name);
    const auto at = profile::find_symbol(rules_.symbols, "env." + name);
    if (at && variable != nullptr && wish_.set.count(name) == 0) values_[*at].text = variable->value;
  }
  if (!effect.env.empty() || !effect.unset.empty()) compute();
  for (const std::string& each : effect.args) add_argument(each, reason);
  for (const std::string& each : effect.forbid_args) {
    const auto same = [&](const Argument& other) { return other.text == each; };
    advice_.arguments.erase(std::remove_if(advice_.arguments.begin(), advice_.arguments.end(), same),
                            advice_.arguments.end());
  }
  notice(Level::block, effect.block, reason);
  notice(Level::warn, effect.warn, reason);
  notice(Level::info, effect.info, reason);
  if (effect.alternative) advice_.alternatives.push_back({Level::info, text_of(*effect.alternative), reason});
  if (!effect.served_by.empty()) {
    advice_.served_by = effect.served_by;
    advice_.notices.push_back({Level::info, reason.text, reason});
  }
}

void Weighing::add_layout_arguments() {
  const profile::Layout& layout = advice_.layout;
  const bool is_vllm = wish_.engine.name == "vllm";
  add_argument((is_vllm ? "--tensor-parallel-size " : "--tp ") + std::to_string(layout.tp), layout_reason());
  if (layout.dp > 1) {
    add_argument((is_vllm ? "--data-parallel-size " : "--dp ") + std::to_string(layout.dp), layout_reason());
  }
  if (layout.ep) {
    add_argument(is_vllm ? "--enable-expert-parallel" : "--ep-size " + std::to_string(layout.tp),
                 layout_reason());
  }
}

void Weighing::apply_operator() {
  const Reason reason{"operator", "asked for on the command line", {"the operator"}, "source"};
  for (const auto& [name, value] : wish_.set) set(name, value, reason);
  if (wish_.kv_cache_dtype != "auto") add_argument("--kv-cache-dtype " + wish_.kv_cache_dtype, reason);
}

// The third pass.
void Weighing::take_out_unknown() {
  std::vector<Setting> kept;
  for (Setting& each : advice_.settings) {
    const EngineVariable* const variable = profile::find_variable(rules_, each.name);
    const bool exists =
        variable == nullptr || !variable->versions || variable->versions->contains(inside_.version);
    const bool has_argument = variable != nullptr && variable->argument_versions &&
                              variable->argument_versions->contains(inside_.version);
    if (has_argument) {
      add_argument(variable->argument + " " + each.value, each.reason);
    } else if (exists) {
      kept.push_back(std::move(each));
      continue;
    } else if (const EngineVariable* const other = profile::find_variable(rules_, variable->renamed_to);
               other != nullptr && (!other->versions || other->versions->contains(inside_.version))) {
      kept.push_back({other->name, each.value, each.reason});
    }
    each.reason.text = wish_.engine.name + " " + wish_.engine.version + " does not have it (" +
                       (variable->versions ? variable->versions->text() : "") + ")" +
                       (has_argument ? "; " + variable->argument + " takes its place" : "");
    advice_.dropped.push_back(std::move(each));
  }
  advice_.settings = std::move(kept);
}

Advice Weighing::result() {
  if (model_.kind == "transformers") add_layout_arguments();
  for_each_effect([&](const ModelRule& rule, const Effect& effect) { apply(rule, effect); }, Pass::settings);
  if (advice_.served_by.empty()) {
    apply_operator();
    take_out_unknown();
  }
  std::stable_sort(advice_.notices.begin(), advice_.notices.end(),
                   [](const Notice& a, const Notice& b) { return a.level < b.level; });
  return std::move(advice_);
}

}  // namespace fettle::models
