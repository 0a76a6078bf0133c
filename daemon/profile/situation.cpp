#include "profile/situation.h"

namespace fettle::profile {
namespace {

enum class Known { before_layout, after_layout };

struct Row {
  std::string_view name;
  Type type;
  Known known;
  Value (*value)(const Situation&);
};

Value number(double value) {
  return {Type::number, value, {}};
}
Value truth(bool value) {
  return {Type::truth, value ? 1.0 : 0.0, {}};
}
Value text(std::string_view value) {
  return {Type::text, 0, value};
}

// Beside number_facts, which stand first.
constexpr std::array rows{
    Row{"kind", Type::text, Known::before_layout, [](const Situation& s) { return text(s.model->kind); }},
    Row{"model_type", Type::text, Known::before_layout,
        [](const Situation& s) { return text(s.model->model_type); }},
    Row{"quant", Type::text, Known::before_layout, [](const Situation& s) { return text(s.model->quant); }},
    Row{"router", Type::text, Known::before_layout, [](const Situation& s) { return text(s.model->router); }},
    Row{"weight_bytes", Type::number, Known::before_layout,
        [](const Situation& s) { return number(static_cast<double>(loaded_size(*s.model).count)); }},
    Row{"is_mla", Type::truth, Known::before_layout,
        [](const Situation& s) { return truth(s.model->is_mla()); }},
    Row{"is_sparse_mla", Type::truth, Known::before_layout,
        [](const Situation& s) { return truth(s.model->is_mla() && s.model->sparse_attention); }},
    Row{"has_vision", Type::truth, Known::before_layout,
        [](const Situation& s) { return truth(s.model->vision); }},
    Row{"ships_kv_scales", Type::truth, Known::before_layout,
        [](const Situation& s) { return truth(s.model->ships_kv_scales); }},
    Row{"engine", Type::text, Known::before_layout, [](const Situation& s) { return text(s.engine); }},
    Row{"gfx", Type::text, Known::before_layout, [](const Situation& s) { return text(s.gfx); }},
    Row{"gpus", Type::number, Known::before_layout, [](const Situation& s) { return number(s.gpus); }},
    Row{"compute_units", Type::number, Known::before_layout,
        [](const Situation& s) { return number(static_cast<double>(s.compute_units)); }},
    Row{"gpu_memory_bytes", Type::number, Known::before_layout,
        [](const Situation& s) { return number(static_cast<double>(s.gpu_memory.count)); }},
    Row{"mec_firmware", Type::number, Known::before_layout,
        [](const Situation& s) { return number(s.mec_firmware); }},
    Row{"max_num_batched_tokens", Type::number, Known::before_layout,
        [](const Situation& s) { return number(static_cast<double>(s.max_num_batched_tokens)); }},
    Row{"kv_cache_dtype", Type::text, Known::before_layout,
        [](const Situation& s) { return text(s.kv_cache_dtype); }},
    Row{"aiter.routing_tokens_per_cu", Type::number, Known::before_layout,
        [](const Situation& s) { return number(static_cast<double>(s.aiter->routing_tokens_per_cu)); }},
    Row{"aiter.routing_pow2_check", Type::truth, Known::before_layout,
        [](const Situation& s) { return truth(s.aiter->routing_pow2_check); }},
    Row{"aiter.routing_group32_limit", Type::truth, Known::before_layout,
        [](const Situation& s) { return truth(s.aiter->routing_group32_limit); }},
    Row{"aiter.bf16_width_192", Type::truth, Known::before_layout,
        [](const Situation& s) { return truth(s.aiter->bf16_width_192); }},
    Row{"aiter.token_fp8_odd_width", Type::truth, Known::before_layout,
        [](const Situation& s) { return truth(s.aiter->token_fp8_odd_width); }},
    Row{"aiter.jit_env", Type::text, Known::before_layout,
        [](const Situation& s) { return text(s.aiter->jit_env); }},
    Row{"tp", Type::number, Known::after_layout, [](const Situation& s) { return number(s.layout.tp); }},
    Row{"dp", Type::number, Known::after_layout, [](const Situation& s) { return number(s.layout.dp); }},
    Row{"ep", Type::truth, Known::after_layout, [](const Situation& s) { return truth(s.layout.ep); }},
};

}  // namespace

Bytes loaded_size(const ModelFacts& model) {
  return {model.dtype == "float32" ? model.size.count / 2 : model.size.count};
}

Symbols given_facts() {
  Symbols symbols;
  for (const NumberFact& fact : number_facts)
    symbols.push_back({std::string(fact.name), Type::number, false, {}});
  for (const Row& row : rows) {
    symbols.push_back({std::string(row.name), row.type, row.known == Known::after_layout, {}});
  }
  return symbols;
}

std::vector<Value> values_of(const Situation& situation) {
  std::vector<Value> values;
  values.reserve(number_facts.size() + rows.size() + 64);  // derived facts and settings follow
  for (const NumberFact& fact : number_facts) {
    values.push_back(number(static_cast<double>(situation.model->*(fact.member))));
  }
  for (const Row& row : rows) values.push_back(row.value(situation));
  return values;
}

}  // namespace fettle::profile
