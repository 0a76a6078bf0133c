#include "models/budget.h"

#include <algorithm>
#include <string_view>

namespace fettle::models {
namespace {

bool has_small_cache(const Advice& advice) {
  return std::any_of(advice.arguments.begin(), advice.arguments.end(), [](const Argument& each) {
    return std::string_view(each.text).substr(0, 20) == "--kv-cache-dtype fp8";
  });
}

Bytes part_of(Bytes whole, std::uint64_t parts) {
  return {whole.count / std::max<std::uint64_t>(1, parts)};
}

}  // namespace

Budget budget_of(const profile::ModelFacts& model, const Advice& advice, const Wish& wish) {
  Budget budget;
  const profile::Layout& layout = advice.layout;
  const std::uint64_t ranks = layout.ep ? std::uint64_t{layout.tp} * layout.dp : layout.tp;
  budget.gpu = wish.node.gpu_memory;
  budget.usable = {static_cast<std::uint64_t>(static_cast<double>(budget.gpu.count) * usable_part)};
  budget.weights = part_of(profile::loaded_size(model), ranks);
  budget.kv_element = has_small_cache(advice) ? 1 : 2;

  // MLA keeps one compressed vector a layer, the same on every rank. Otherwise a key and a value for each KV
  // head, which are split over the ranks until each has one.
  const std::uint64_t heads = (model.kv_heads + layout.tp - 1) / layout.tp;
  const std::uint64_t numbers =
      model.is_mla() ? model.kv_lora_rank + model.rope_head_dim : 2 * heads * model.head_dim;
  const std::uint64_t layer = numbers * budget.kv_element;
  budget.kv_per_token = {(model.layers - model.window_layers - model.state_layers) * layer};
  budget.window_per_sequence = {model.window_layers * layer * model.sliding_window};
  budget.left = budget.usable - budget.weights - working_memory;
  if (budget.kv_per_token.count > 0) {
    budget.tokens =
        layout.dp * ((budget.left - budget.window_per_sequence).count / budget.kv_per_token.count);
  }
  return budget;
}

}  // namespace fettle::models
