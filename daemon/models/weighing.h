// Weighing: all rules on one model, engine, node and layout, in their order. Only advise.cpp needs it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/advise.h"

namespace fettle::models {

// What is known to be inside an engine.
struct Inside {
  Version version;
  const profile::EngineVersions* row = nullptr;
  const profile::AiterBuild* aiter = nullptr;
  std::string aiter_name;
};

// In the first pass the layout is not known yet: expressions that need it are not asked.
enum class Pass { layout, settings };

class Weighing {
 public:
  // Keeps references to all of them.
  Weighing(const profile::ModelFacts& model, const profile::ModelRules& rules, const Wish& wish,
           const Inside& inside, const profile::Layout& layout);

  // Calls back for each effect whose conditions hold with the settings so far.
  template <class Act>
  void for_each_effect(const Act& act, Pass pass) const {
    for (const profile::ModelRule& rule : rules_.rules) {
      if (pass == Pass::layout && !names_layout(rule)) continue;
      if (!holds(rule.when)) continue;
      act(rule, rule.effect);
      for (const profile::Case& each : rule.cases) {
        if (holds(each.when)) act(rule, each.effect);
      }
    }
  }

  Advice result();

 private:
  static bool names_layout(const profile::ModelRule& rule);
  bool holds(const profile::Condition& when) const;
  void compute();
  void apply(const profile::ModelRule& rule, const profile::Effect& effect);
  void set(std::string_view name, std::string_view value, const Reason& reason);
  void notice(Level level, const std::optional<profile::Sentence>& sentence, const Reason& reason);
  void add_argument(const std::string& text, const Reason& reason);
  void add_layout_arguments();
  void apply_operator();
  void take_out_unknown();
  std::string text_of(const profile::Sentence& sentence) const;
  Reason reason_of(const profile::ModelRule& rule) const;

  const profile::ModelFacts& model_;
  const profile::ModelRules& rules_;
  const Wish& wish_;
  const Inside& inside_;
  std::vector<profile::Value> values_;  // by the table of symbols
  Advice advice_;
};

}  // namespace fettle::models
