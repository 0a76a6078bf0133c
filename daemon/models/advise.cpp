#include "models/advise.h"

#include <algorithm>

#include "models/weighing.h"

namespace fettle::models {
namespace {

using profile::EngineVersions;
using profile::Layout;
using profile::ModelFacts;
using profile::ModelRules;

std::string known_versions(const ModelRules& rules, std::string_view engine) {
  std::string known;
  for (const EngineVersions& each : rules.engines) {
    if (each.engine == engine) known += (known.empty() ? "" : "; ") + each.versions.text();
  }
  return known;
}

// What is inside the engine: named by its image, or known by its version.
Result<Inside> look_inside(const ModelRules& rules, const Engine& engine) {
  if (std::find(profile::engine_names.begin(), profile::engine_names.end(), engine.name) ==
      profile::engine_names.end()) {
    return fail(Why::refused, "cannot advise for the engine '" + engine.name + "': nothing is known of it",
                "known are vllm and sglang: --engine vllm=0.11.0");
  }
  Inside inside;
  const auto version = parse_release(engine.version);
  if (!version) return fail(while_doing("cannot advise for " + engine.name, version.error()));
  inside.version = *version;
  for (const EngineVersions& each : rules.engines) {
    if (each.engine == engine.name && each.versions.contains(*version)) inside.row = &each;
  }
  if (inside.row == nullptr) {
    return fail(
        Why::refused,
        "cannot advise for " + engine.name + " " + engine.version + ": nothing is known of that version",
        "known are " + known_versions(rules, engine.name));
  }
  inside.aiter_name = engine.aiter.empty() ? inside.row->aiter : engine.aiter;
  inside.aiter = profile::find_build(rules, inside.aiter_name);
  if (inside.aiter == nullptr) {
    return fail(Why::refused,
                "cannot advise for the AITER '" + engine.aiter + "': nothing is known of that build",
                "AITER_BRANCH of the image's /app/versions.txt, or leave it out to assume what the version "
                "brings along");
  }
  return inside;
}

// The layout of the last rule that names one for these facts.
std::optional<Layout> layout_of_rules(const Weighing& weighing) {
  std::optional<Layout> layout;
  weighing.for_each_effect(
      [&](const profile::ModelRule&, const profile::Effect& effect) {
        if (effect.layout) layout = effect.layout;
      },
      Pass::layout);
  return layout;
}

struct Chosen {
  Layout layout;
  std::string from;
};

// What the operator named, completed by what a rule says of exactly that.
Chosen chosen_by_operator(const Wish& wish, const std::optional<Layout>& ruled) {
  Layout layout;
  layout.tp = wish.tp.value_or(1);
  layout.dp = wish.dp.value_or(1);
  const bool is_the_ruled = ruled && ruled->tp == layout.tp && ruled->dp == layout.dp;
  layout.ep = wish.ep.value_or(is_the_ruled && ruled->ep);
  return {layout, "the operator"};
}

std::vector<Layout> candidates(const Node& node) {
  std::vector<Layout> all;
  for (unsigned tp = 1; tp <= node.gpus; tp *= 2) all.push_back({tp, 1, false});
  return all;
}

bool fits(const ModelFacts& model, const ModelRules& rules, const Wish& wish, const Inside& inside,
          const Layout& layout) {
  return !Weighing(model, rules, wish, inside, layout).result().is_blocked();
}

Chosen choose(const ModelFacts& model, const ModelRules& rules, const Wish& wish, const Inside& inside) {
  const auto ruled = layout_of_rules(Weighing(model, rules, wish, inside, {}));
  if (wish.tp || wish.dp) return chosen_by_operator(wish, ruled);
  if (ruled) {
    Layout layout = *ruled;
    layout.ep = wish.ep.value_or(layout.ep);
    return {layout, "a rule"};
  }
  std::vector<Layout> all = candidates(wish.node);
  for (Layout& layout : all) {
    layout.ep = wish.ep.value_or(false);
    if (fits(model, rules, wish, inside, layout)) return {layout, "the smallest that fits"};
  }
  return {all.empty() ? Layout{} : all.back(), "the largest of this node; none fits"};
}

// For a blocked layout: those of this node that are not.
std::vector<Layout> working_layouts(const ModelFacts& model, const ModelRules& rules, const Wish& wish,
                                    const Inside& inside) {
  std::vector<Layout> all = candidates(wish.node);
  if (model.num_experts > 0) {
    for (const Layout& layout : candidates(wish.node)) {
      if (layout.tp > 1) all.push_back({layout.tp, 1, true});
    }
    if (wish.node.gpus > 1) all.push_back({1, wish.node.gpus, true});
  }
  std::vector<Layout> working;
  for (const Layout& layout : all) {
    if (fits(model, rules, wish, inside, layout)) working.push_back(layout);
  }
  return working;
}

}  // namespace

std::string to_text(const Layout& layout) {
  std::string text = "TP" + std::to_string(layout.tp);
  if (layout.dp > 1) text += " DP" + std::to_string(layout.dp);
  if (layout.ep) text += " EP";
  return text;
}

std::string_view to_text(Level level) {
  switch (level) {
    case Level::block:
      return "block";
    case Level::warn:
      return "warn";
    case Level::info:
      return "info";
  }
  return "info";
}

Result<Advice> advise(const ModelFacts& model, const ModelRules& rules, const Wish& wish) {
  const auto inside = look_inside(rules, wish.engine);
  if (!inside) return fail(inside.error());
  const Chosen chosen = choose(model, rules, wish, *inside);
  Weighing weighing(model, rules, wish, *inside, chosen.layout);
  Advice advice = weighing.result();
  advice.layout_from = chosen.from;
  advice.aiter = inside->aiter_name;
  advice.jit_env = inside->aiter->jit_env;
  advice.aiter_from = !wish.engine.aiter.empty()
                          ? "named by the image"
                          : "known by the version (" + inside->row->confidence + "): " + inside->row->source;
  if (advice.is_blocked()) advice.working = working_layouts(model, rules, wish, *inside);
  return advice;
}

}  // namespace fettle::models
