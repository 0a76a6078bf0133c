#include "profile/model_rules.h"

#include <algorithm>
#include <map>
#include <set>

#include "profile/rules.h"

namespace fettle::profile {
namespace {

void keep(Reading&, const Node& node, const std::string&, const Node*& out) {
  out = &node;
}

constexpr auto texts = list_of<text<sentence_rule>, std::string>;
constexpr auto variables = list_of<text<variable_rule>, std::string>;

template <const auto& words>
void words_of(Reading& reading, const Node& node, const std::string& what, std::vector<std::string>& out) {
  if (!is_list(reading, node, what)) return;
  for (const Node& item : node.items)
    read_word(reading, item, "an entry of " + what, words, out.emplace_back());
}

// As they stand in the file: what needs the table of symbols is read in a second step.
struct RawCondition {
  Condition condition;
  const Node* expression = nullptr;
};

template <auto member, auto reader>
constexpr Field<RawCondition> condition_field(std::string_view key) {
  return {key, Need::optional,
          [](Reading& reading, const Node& node, const std::string& what, RawCondition& out) {
            reader(reading, node, what, out.condition.*member);
          }};
}

constexpr std::array condition_fields{
    condition_field<&Condition::engines, words_of<engine_names>>("engine"),
    condition_field<&Condition::versions, read_range>("version"),
    condition_field<&Condition::kinds, words_of<model_kinds>>("kind"),
    condition_field<&Condition::model_types, texts>("model_type"),
    condition_field<&Condition::quants, words_of<quant_kinds>>("quant"),
    condition_field<&Condition::routers, words_of<router_kinds>>("router"),
    field<&RawCondition::expression, keep>("expr"),
};

constexpr std::array layout_fields{
    field<&Layout::tp, number<1, 1024>>("tp"),
    field<&Layout::dp, number<1, 1024>>("dp"),
    field<&Layout::ep, boolean>("ep"),
};

void layout(Reading& reading, const Node& node, const std::string& what, std::optional<Layout>& out) {
  read_fields(reading, node, what, out.emplace(), layout_fields);
}

struct RawEffect {
  Effect effect;
  const Node* env = nullptr;
  const Node* block = nullptr;
  const Node* warn = nullptr;
  const Node* info = nullptr;
  const Node* alternative = nullptr;
  const Node* cases = nullptr;
};

template <auto member, auto reader>
constexpr Field<RawEffect> effect_field(std::string_view key) {
  return {key, Need::optional,
          [](Reading& reading, const Node& node, const std::string& what, RawEffect& out) {
            reader(reading, node, what, out.effect.*member);
          }};
}

constexpr std::array effect_fields{
    effect_field<&Effect::unset, variables>("unset"),
    effect_field<&Effect::args, texts>("args"),
    effect_field<&Effect::forbid_args, texts>("forbid_args"),
    effect_field<&Effect::layout, layout>("layout"),
    effect_field<&Effect::served_by, text<sentence_rule>>("served_by"),
    field<&RawEffect::env, keep>("env"),
    field<&RawEffect::block, keep>("block"),
    field<&RawEffect::warn, keep>("warn"),
    field<&RawEffect::info, keep>("info"),
    field<&RawEffect::alternative, keep>("alternative"),
    field<&RawEffect::cases, keep>("cases"),
};

struct RawCase {
  const Node* when = nullptr;
  const Node* effect = nullptr;
};

constexpr std::array case_fields{
    field<&RawCase::when, keep>("when", Need::required),
    field<&RawCase::effect, keep>("effect", Need::required),
};

struct RawRule {
  ModelRule rule;
  const Node* when = nullptr;
  const Node* effect = nullptr;
  const Node* reason = nullptr;
};

template <auto member, auto reader>
constexpr Field<RawRule> rule_field(std::string_view key) {
  return {key, Need::required, [](Reading& reading, const Node& node, const std::string& what, RawRule& out) {
            reader(reading, node, what, out.rule.*member);
          }};
}

constexpr std::array rule_fields{
    rule_field<&ModelRule::id, text<name_rule>>("id"),
    field<&RawRule::when, keep>("when", Need::required),
    field<&RawRule::effect, keep>("effect", Need::required),
    field<&RawRule::reason, keep>("reason", Need::required),
    rule_field<&ModelRule::sources, some_of<text<sentence_rule>, std::string>>("source"),
    rule_field<&ModelRule::confidence, read_confidence>("confidence"),
};

struct RawFact {
  std::string name;
  const Node* expression = nullptr;
  std::string why;
};

bool is_fact_name(std::string_view text) {
  return is_name(text) && text.find_first_of(".-") == std::string_view::npos;
}
constexpr Rule fact_rule{&is_fact_name, "a name of a-z, 0-9 and '_'"};

constexpr std::array fact_fields{
    field<&RawFact::name, text<fact_rule>>("name", Need::required),
    field<&RawFact::expression, keep>("expr", Need::required),
    field<&RawFact::why, text<sentence_rule>>("why"),
};

constexpr std::string_view setting_prefix = "env.";

// Where rules look at a variable and where they set it, by the position of the rule.
struct Look {
  std::size_t rule = 0;
  Place place;
};

class RulesReader {
 public:
  RulesReader(Reading& reading, ModelRules& out) : reading_(reading), out_(out) {}

  void read(const Node& root) {
    read_facts(root.find("facts"));
    const Node* const rules = root.find("rules");
    if (rules == nullptr || !is_list(reading_, *rules, "'rules'")) return;
    Once once("the rule");
    for (const Node& node : rules->items) {
      RawRule raw;
      if (!read_fields(reading_, node, "a rule", raw, rule_fields)) continue;
      if (const Node* const id = node.find("id")) once.see(reading_, id->place, raw.rule.id);
      at_ = out_.rules.size();
      out_.rules.push_back(std::move(raw.rule));
      finish(raw);
    }
    settings_must_come_before_looks();
  }

 private:
  // The names of settings stand before the derived facts are read, so that those may look at them.
  void read_facts(const Node* list) {
    out_.symbols = given_facts();
    out_.first_setting = out_.symbols.size();
    for (const EngineVariable& each : out_.variables) {
      out_.symbols.push_back({std::string(setting_prefix) + each.name, Type::text, true, {each.name}});
    }
    out_.first_derived = out_.symbols.size();
    if (list == nullptr || !is_list(reading_, *list, "'facts'")) return;
    std::map<std::string, Place> places;
    for (const Node& item : list->items) {
      if (const Node* const name = item.find("name")) places.emplace(name->text, name->place);
    }
    for (const Node& item : list->items) {
      RawFact raw;
      if (!read_fields(reading_, item, "a fact", raw, fact_fields) || raw.name.empty()) continue;
      const Place place = item.find("name")->place;
      if (find_symbol(out_.symbols, raw.name)) {
        reading_.complain(place, "there is a fact '" + shown(raw.name) + "' already", "another name");
        continue;
      }
      if (raw.expression == nullptr) continue;
      auto expression = expression_of(*raw.expression, places);
      Symbol symbol{raw.name, expression ? expression->type() : Type::number, false, {}};
      if (expression) inherit(symbol, *expression);
      out_.symbols.push_back(std::move(symbol));
      out_.derived.push_back({raw.name, expression ? std::move(*expression) : Expression{}});
    }
  }

  void inherit(Symbol& symbol, const Expression& expression) const {
    for (const std::size_t used : expression.uses()) {
      symbol.after_layout = symbol.after_layout || out_.symbols[used].after_layout;
      for (const std::string& name : out_.symbols[used].variables) symbol.variables.push_back(name);
    }
  }

  // `later` are the facts of this file: one of them that is not known yet stands further down, or needs
  // itself.
  std::optional<Expression> expression_of(const Node& node, const std::map<std::string, Place>& later = {}) {
    if (!is_text(reading_, node, "'expr'")) return std::nullopt;
    Expression::Parsed parsed = Expression::parse(node.text, out_.symbols);
    if (!parsed.mistake) return std::move(parsed.expression);
    Expression::Mistake& mistake = *parsed.mistake;
    const auto quote = mistake.what.find('\'');
    if (mistake.what.rfind("there is no fact '", 0) == 0 && quote != std::string::npos) {
      const std::string name = mistake.what.substr(quote + 1, mistake.what.size() - quote - 2);
      const auto known = later.find(name);
      if (known != later.end()) {
        mistake.what =
            "the fact '" + name + "' is computed only in line " + std::to_string(known->second.line);
        mistake.allowed = "facts from further up: two that need each other can never be computed";
      } else {
        mistake.allowed = known_facts();
      }
    }
    reading_.complain(inside(node, mistake.offset), mistake.what, mistake.allowed);
    return std::nullopt;
  }

  static Place inside(const Node& node, std::size_t offset) {
    return {node.place.line, node.place.column + static_cast<int>(offset) + (node.plain ? 0 : 1)};
  }

  std::string known_facts() const {
    std::string known;
    for (const Symbol& each : out_.symbols) {
      if (each.name.rfind(setting_prefix, 0) == 0) continue;
      known.append(known.empty() ? "" : ", ").append(each.name);
    }
    return known + ", env.NAME of a variable";
  }

  void finish(const RawRule& raw) {
    ModelRule& rule = out_.rules[at_];
    if (raw.when != nullptr) read_condition(*raw.when, nullptr, rule.when);
    if (raw.reason != nullptr) read_sentence(*raw.reason, "'reason'", rule.reason);
    if (raw.effect == nullptr) return;
    const Node* const cases = read_effect(*raw.effect, {&rule.when}, rule.effect);
    if (cases == nullptr || !is_list(reading_, *cases, "'cases'")) return;
    for (const Node& item : cases->items) {
      RawCase raw_case;
      if (!read_fields(reading_, item, "a case", raw_case, case_fields)) continue;
      Case& out = rule.cases.emplace_back();
      if (raw_case.when != nullptr) read_condition(*raw_case.when, &rule.when, out.when);
      if (raw_case.effect == nullptr) continue;
      const Node* const deeper = read_effect(*raw_case.effect, {&rule.when, &out.when}, out.effect);
      if (deeper != nullptr)
        reading_.complain(deeper->place, "a case cannot have cases", "a rule of its own");
    }
  }

  void read_condition(const Node& node, const Condition* outer, Condition& out) {
    RawCondition raw;
    if (!read_fields(reading_, node, "'when'", raw, condition_fields)) return;
    out = std::move(raw.condition);
    if (raw.expression != nullptr) {
      out.expression = expression_of(*raw.expression);
      if (out.expression) note_looks(*out.expression, raw.expression->place);
    }
    if (!out.versions) return;
    const Place place = node.find("version")->place;
    if ((out.engines.empty() && outer != nullptr ? outer->engines : out.engines).size() != 1) {
      reading_.complain(place, "'version' needs one 'engine' beside it", "engine: [vllm]");
    }
    if (outer != nullptr && outer->versions && !outer->versions->meets(*out.versions)) {
      reading_.complain(place, "this case never comes: its rule is for " + outer->versions->text(),
                        "a range that meets it");
    }
  }

  void note_looks(const Expression& expression, Place place) {
    for (const std::size_t used : expression.uses()) {
      for (const std::string& name : out_.symbols[used].variables) looks_.emplace(name, Look{at_, place});
    }
  }

  using Conditions = std::vector<const Condition*>;

  // Gives the cases, which are read by the caller.
  const Node* read_effect(const Node& node, const Conditions& when, Effect& out) {
    RawEffect raw;
    if (!read_fields(reading_, node, "'effect'", raw, effect_fields)) return nullptr;
    out = std::move(raw.effect);
    if (raw.env != nullptr) read_env(*raw.env, when, out);
    read_optional(raw.block, "'block'", out.block);
    read_optional(raw.warn, "'warn'", out.warn);
    read_optional(raw.info, "'info'", out.info);
    read_optional(raw.alternative, "'alternative'", out.alternative);
    if (node.entries.empty()) reading_.complain(node.place, "'effect' is empty", "at least one effect");
    if (out.layout) layout_must_not_need_itself(node.find("layout")->place, when);
    contradictions(node, out);
    for (std::size_t i = 0; i < out.unset.size(); ++i) {
      find_for(node.find("unset")->items[i].place, out.unset[i], when);
    }
    return raw.cases;
  }

  void read_optional(const Node* node, const std::string& what, std::optional<Sentence>& out) {
    if (node != nullptr) read_sentence(*node, what, out.emplace());
  }

  void read_env(const Node& node, const Conditions& when, Effect& out) {
    if (!is_map(reading_, node, "'env'")) return;
    Once once("the variable");
    for (const Node::Entry& entry : node.entries) {
      std::string value;
      read_text(reading_, entry.value, "'" + shown(entry.key) + "'", value_rule, value);
      if (!once.see(reading_, entry.place, entry.key)) continue;
      find_for(entry.place, entry.key, when);
      set_in_.emplace(entry.key, at_);
      out.env.emplace_back(entry.key, std::move(value));
    }
  }

  // A variable that no version of these conditions has would never be set.
  void find_for(Place place, const std::string& name, const Conditions& when) {
    if (name.empty()) return;
    const EngineVariable* const variable = find_variable(out_, name);
    if (variable == nullptr) {
      reading_.complain(place, "there is no variable '" + shown(name) + "'",
                        "a 'name' of the list 'variables'");
      return;
    }
    for (const Condition* each : when) {
      if (!variable->engine.empty() && !each->engines.empty() &&
          std::find(each->engines.begin(), each->engines.end(), variable->engine) == each->engines.end()) {
        reading_.complain(
            place, "the variable '" + name + "' is one of " + variable->engine + ", which 'when' leaves out",
            "");
      }
      if (variable->versions && each->versions && !variable->versions->meets(*each->versions)) {
        reading_.complain(place,
                          "the variable '" + name + "' exists in " + variable->versions->text() + " only",
                          "the rule is for " + each->versions->text());
      }
    }
  }

  void layout_must_not_need_itself(Place place, const Conditions& when) {
    for (const Condition* each : when) {
      if (!each->expression) continue;
      for (const std::size_t used : each->expression->uses()) {
        if (!out_.symbols[used].after_layout) continue;
        reading_.complain(
            place, "a layout cannot depend on '" + out_.symbols[used].name + "', which needs the layout",
            "conditions on the model, the engine and the node");
      }
    }
  }

  void contradictions(const Node& node, const Effect& effect) {
    const std::set<std::string> gone(effect.unset.begin(), effect.unset.end());
    for (const auto& [name, value] : effect.env) {
      if (gone.count(name) != 0) {
        reading_.complain(node.find("unset")->place, "'" + name + "' is set and unset by one effect",
                          "one of both");
      }
    }
    const std::set<std::string> forbidden(effect.forbid_args.begin(), effect.forbid_args.end());
    for (const std::string& each : effect.args) {
      if (forbidden.count(each) != 0) {
        reading_.complain(node.find("forbid_args")->place,
                          "'" + shown(each) + "' is given and forbidden by one effect", "one of both");
      }
    }
  }

  // Rules act in their order: one that looks at a variable before any rule could set it looks too early.
  void settings_must_come_before_looks() {
    for (const auto& [name, look] : looks_) {
      const auto [begin, end] = set_in_.equal_range(name);
      if (begin == end) continue;
      const auto first =
          std::min_element(begin, end, [](const auto& a, const auto& b) { return a.second < b.second; });
      if (first->second <= look.rule) continue;
      reading_.complain(look.place,
                        "this looks at '" + name + "', which the rule '" + out_.rules[first->second].id +
                            "' sets only further down",
                        "the rules in the order in which they need each other");
    }
  }

  void read_sentence(const Node& node, const std::string& what, Sentence& out) {
    std::string text;
    read_text(reading_, node, what, sentence_rule, text);
    std::size_t at = 0;
    while (true) {
      const auto open = text.find('{', at);
      out.pieces.push_back({text.substr(at, open == std::string::npos ? open : open - at), std::nullopt});
      if (open == std::string::npos) return;
      const auto close = text.find('}', open);
      const std::string name = text.substr(open + 1, close == std::string::npos ? close : close - open - 1);
      out.pieces.back().fact = find_symbol(out_.symbols, name);
      if (close == std::string::npos || !out.pieces.back().fact) {
        reading_.complain(inside(node, open), what + " has no fact in its braces: '" + shown(name) + "'",
                          known_facts());
        return;
      }
      at = close + 1;
    }
  }

  Reading& reading_;
  ModelRules& out_;
  std::size_t at_ = 0;  // the rule that is being read
  std::multimap<std::string, Look> looks_;
  std::multimap<std::string, std::size_t> set_in_;
};

}  // namespace

void read_rules(Reading& reading, const Node& root, ModelRules& out) {
  RulesReader(reading, out).read(root);
}

}  // namespace fettle::profile
