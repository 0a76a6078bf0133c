// The kind "model-rules": engines, their variables, and the rules; its plain parts. The rules themselves,
// with all that can contradict each other in them, are read in model_rules.cpp.
#include <algorithm>
#include <array>

#include "profile/documents.h"
#include "profile/model_rules.h"
#include "profile/rules.h"

namespace fettle::profile {

void read_range(Reading& reading, const Node& node, const std::string& what,
                std::optional<VersionRange>& out) {
  std::string range;
  read_text(reading, node, what, sentence_rule, range);
  if (range.empty()) return;
  if (auto parsed = VersionRange::parse(range)) {
    out = std::move(*parsed);
  } else {
    reading.complain(node.place, parsed.error().said, parsed.error().hint);
  }
}

void read_engine(Reading& reading, const Node& node, const std::string& what, std::string& out) {
  read_word(reading, node, what, engine_names, out);
}

void read_confidence(Reading& reading, const Node& node, const std::string& what, std::string& out) {
  read_word(reading, node, what, confidences, out);
}

namespace {

void needed_range(Reading& reading, const Node& node, const std::string& what, VersionRange& out) {
  std::optional<VersionRange> range;
  read_range(reading, node, what, range);
  if (range) out = std::move(*range);
}

constexpr std::array build_fields{
    field<&AiterBuild::pin, text<sentence_rule>>("pin"),
    field<&AiterBuild::release, read_range>("release"),
    field<&AiterBuild::routing_tokens_per_cu, number<1, 100'000, std::uint64_t>>("routing_tokens_per_cu",
                                                                                 Need::required),
    field<&AiterBuild::routing_pow2_check, boolean>("routing_pow2_check", Need::required),
    field<&AiterBuild::routing_group32_limit, boolean>("routing_group32_limit", Need::required),
    field<&AiterBuild::bf16_width_192, boolean>("bf16_width_192", Need::required),
    field<&AiterBuild::token_fp8_odd_width, boolean>("token_fp8_odd_width", Need::required),
    field<&AiterBuild::jit_env, text<variable_rule>>("jit_env", Need::required),
};

void build(Reading& reading, const Node& node, const std::string& what, AiterBuild& out) {
  if (!read_fields(reading, node, what, out, build_fields)) return;
  if ((node.find("pin") == nullptr) == (node.find("release") == nullptr)) {
    reading.complain(node.place, what + " needs either 'pin' or 'release'", "one of them");
  }
}

constexpr std::array engine_fields{
    field<&EngineVersions::engine, read_engine>("engine", Need::required),
    field<&EngineVersions::versions, needed_range>("versions", Need::required),
    field<&EngineVersions::aiter, text<sentence_rule>>("aiter", Need::required),
    field<&EngineVersions::max_num_batched_tokens, number<1, 10'000'000, std::uint64_t>>(
        "max_num_batched_tokens", Need::required),
    field<&EngineVersions::confidence, read_confidence>("confidence", Need::required),
    field<&EngineVersions::source, text<sentence_rule>>("source", Need::required),
};

void engine_versions(Reading& reading, const Node& node, const std::string& what, EngineVersions& out) {
  read_fields(reading, node, what, out, engine_fields);
}

constexpr std::array<std::string_view, 2> entries{"serves", "shell"};

void entry(Reading& reading, const Node& node, const std::string& what, std::string& out) {
  read_word(reading, node, what, entries, out);
}

constexpr std::array image_fields{
    field<&EngineImage::engine, read_engine>("engine", Need::required),
    field<&EngineImage::versions, needed_range>("versions", Need::required),
    field<&EngineImage::reference, text<sentence_rule>>("reference", Need::required),
    field<&EngineImage::entry, entry>("entry", Need::required),
    field<&EngineImage::default_version, text<version_rule>>("default_version"),
    field<&EngineImage::source, text<sentence_rule>>("source", Need::required),
};

void image(Reading& reading, const Node& node, const std::string& what, EngineImage& out) {
  if (!read_fields(reading, node, what, out, image_fields) || out.default_version.empty()) return;
  const auto version = parse_release(out.default_version);
  if (!version || !out.versions.contains(*version)) {
    reading.complain(node.find("default_version")->place, "'default_version' is not one of 'versions'",
                     "a version in " + out.versions.text());
  }
}

constexpr std::array variable_fields{
    field<&EngineVariable::name, text<variable_rule>>("name", Need::required),
    field<&EngineVariable::engine, read_engine>("engine"),
    field<&EngineVariable::value, text<value_rule>>("default"),
    field<&EngineVariable::versions, read_range>("versions"),
    field<&EngineVariable::renamed_to, text<variable_rule>>("renamed_to"),
    field<&EngineVariable::argument, text<sentence_rule>>("argument"),
    field<&EngineVariable::argument_versions, read_range>("argument_versions"),
    field<&EngineVariable::why, text<sentence_rule>>("why"),
};

void variable(Reading& reading, const Node& node, const std::string& what, EngineVariable& out) {
  if (!read_fields(reading, node, what, out, variable_fields)) return;
  if (out.engine.empty() && out.versions) {
    reading.complain(node.find("versions")->place, "'versions' needs an 'engine' whose versions they are",
                     "");
  }
}

// Its own versions are contiguous in the file: the first that fits is taken.
constexpr std::array rules_fields{
    header<ModelRules>("schema"),
    header<ModelRules>("kind"),
    field<&ModelRules::as_of, text<date_rule>>("as_of", Need::required),
    field<&ModelRules::gfx, text<sentence_rule>>("gfx", Need::required),
    field<&ModelRules::compute_units, number<1, 100'000, std::uint64_t>>("compute_units", Need::required),
    field<&ModelRules::aiter_builds, some_of<build, AiterBuild>>("aiter_builds", Need::required),
    field<&ModelRules::engines, some_of<engine_versions, EngineVersions>>("engines", Need::required),
    field<&ModelRules::images, list_of<image, EngineImage>>("images"),
    field<&ModelRules::variables, some_of<variable, EngineVariable>>("variables", Need::required),
    Field<ModelRules>{"facts", Need::optional, nullptr},
    Field<ModelRules>{"rules", Need::required, nullptr},
};

// What an entry says must lead somewhere.
void references_must_lead(Reading& reading, const Node& root, const ModelRules& rules) {
  const Node* const engines = root.find("engines");
  for (std::size_t at = 0; engines != nullptr && at < rules.engines.size(); ++at) {
    const Node* const aiter = engines->items[at].find("aiter");
    if (aiter != nullptr && !rules.engines[at].aiter.empty() &&
        find_build(rules, rules.engines[at].aiter) == nullptr) {
      reading.complain(aiter->place, "no entry of 'aiter_builds' fits '" + shown(aiter->text) + "'",
                       "one of its pins, or a release in one of its ranges");
    }
  }
  const Node* const variables = root.find("variables");
  Once once("the variable");
  for (std::size_t at = 0; variables != nullptr && at < rules.variables.size(); ++at) {
    const EngineVariable& each = rules.variables[at];
    if (const Node* const name = variables->items[at].find("name")) once.see(reading, name->place, each.name);
    const Node* const other = variables->items[at].find("renamed_to");
    if (other != nullptr && !each.renamed_to.empty() && find_variable(rules, each.renamed_to) == nullptr) {
      reading.complain(other->place, "there is no variable '" + shown(each.renamed_to) + "'",
                       "a 'name' of this list");
    }
  }
}

}  // namespace

const AiterBuild* find_build(const ModelRules& rules, std::string_view named) {
  for (const AiterBuild& each : rules.aiter_builds) {
    if (!each.pin.empty() && named.substr(0, each.pin.size()) == each.pin) return &each;
  }
  // A pin of hex digits only could pass for a release; releases have dots.
  if (named.find('.') == std::string_view::npos) return nullptr;
  const auto release = parse_release(named);
  if (!release) return nullptr;
  const auto found =
      std::find_if(rules.aiter_builds.begin(), rules.aiter_builds.end(),
                   [&](const AiterBuild& each) { return each.release && each.release->contains(*release); });
  return found == rules.aiter_builds.end() ? nullptr : &*found;
}

const EngineVariable* find_variable(const ModelRules& rules, std::string_view name) {
  const auto found = std::find_if(rules.variables.begin(), rules.variables.end(),
                                  [&](const EngineVariable& each) { return each.name == name; });
  return found == rules.variables.end() ? nullptr : &*found;
}

void read_model_rules(Reading& reading, const Node& root, ModelRules& out) {
  if (!read_fields(reading, root, "a table of model rules", out, rules_fields)) return;
  references_must_lead(reading, root, out);
  read_rules(reading, root, out);
}

}  // namespace fettle::profile
