// The kind "models": facts of models that need not be staged.
#include <array>

#include "profile/documents.h"
#include "profile/model_rules.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

template <const auto& words>
void one_word_of(Reading& reading, const Node& node, const std::string& what, std::string& out) {
  read_word(reading, node, what, words, out);
}

// The row of number_facts at this position; the compiler knows the limits.
template <std::size_t at>
constexpr Field<ModelFacts> number_field() {
  constexpr NumberFact fact = number_facts[at];
  return field<fact.member,
               number<static_cast<long>(fact.least), static_cast<long>(fact.most), std::uint64_t>>(fact.name);
}

constexpr std::array text_fields{
    field<&ModelFacts::id, text<repository_rule>>("id", Need::required),
    field<&ModelFacts::kind, one_word_of<model_kinds>>("kind", Need::required),
    field<&ModelFacts::size, bytes>("size", Need::required),
    field<&ModelFacts::model_type, text<sentence_rule>>("model_type"),
    field<&ModelFacts::quant, one_word_of<quant_kinds>>("quant"),
    field<&ModelFacts::dtype, text<sentence_rule>>("dtype"),
    field<&ModelFacts::router, one_word_of<router_kinds>>("router"),
    field<&ModelFacts::sparse_attention, boolean>("sparse_attention"),
    field<&ModelFacts::vision, boolean>("vision"),
    field<&ModelFacts::ships_kv_scales, boolean>("ships_kv_scales"),
    field<&ModelFacts::is_verified, boolean>("verified"),
    field<&ModelFacts::source, text<sentence_rule>>("source", Need::required),
};

template <std::size_t... at>
constexpr auto with_numbers(std::index_sequence<at...>) {
  std::array<Field<ModelFacts>, text_fields.size() + sizeof...(at)> all{};
  for (std::size_t i = 0; i < text_fields.size(); ++i) all[i] = text_fields[i];
  const std::array numbers{number_field<at>()...};
  for (std::size_t i = 0; i < numbers.size(); ++i) all[text_fields.size() + i] = numbers[i];
  return all;
}

constexpr auto model_fields = with_numbers(std::make_index_sequence<number_facts.size()>());

void model(Reading& reading, const Node& node, const std::string& what, ModelFacts& out) {
  if (!read_fields(reading, node, what, out, model_fields) || out.kind != "transformers") return;
  for (const std::string_view needed : {"model_type", "layers", "heads", "kv_heads", "head_dim"}) {
    if (node.find(needed) == nullptr) detail::complain_missing(reading, node, needed);
  }
  if (out.window_layers + out.state_layers > out.layers && node.find("layers") != nullptr) {
    reading.complain(node.find("layers")->place,
                     "'layers' is less than 'window_layers' and 'state_layers' together",
                     "both are parts of it");
  }
}

struct Models {
  std::vector<ModelFacts> models;
};

constexpr std::array models_fields{
    header<Models>("schema"),
    header<Models>("kind"),
    field<&Models::models, some_of<model, ModelFacts>>("models", Need::required),
};

}  // namespace

void read_models(Reading& reading, const Node& root, std::vector<ModelFacts>& out) {
  Models models;
  if (!read_fields(reading, root, "a table of models", models, models_fields)) return;
  Once once("the model");
  const Node* const list = root.find("models");
  for (std::size_t at = 0; list != nullptr && at < models.models.size(); ++at) {
    once.see(reading, list->items[at].place, models.models[at].id);
  }
  out = std::move(models.models);
}

}  // namespace fettle::profile
