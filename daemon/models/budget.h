// Budget: what a model takes of each GPU's memory, and how many tokens fit into the rest. An estimate from
// the configuration alone, not a measurement: the engine's own log has the last word.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "models/advise.h"

namespace fettle::models {

// vLLM's default for --gpu-memory-utilization is 0.90.
inline constexpr double usable_part = 0.90;
// For activations, graphs and communication buffers. A belief: large models were seen to take 2 to 6 GiB.
inline constexpr Bytes working_memory = 4_GiB;

struct Budget {
  Bytes gpu;                  // of one GPU
  Bytes usable;               // of it, for the engine
  Bytes weights;              // on each GPU
  Bytes kv_per_token;         // on each GPU: layers that keep every token
  Bytes window_per_sequence;  // on each GPU: layers that keep only a window
  unsigned kv_element = 2;    // bytes of one cached number
  Bytes left;                 // of usable, for the KV cache; zero when the weights do not fit
  // Of all sequences together, over all data-parallel ranks; 0 when the model keeps none or nothing is left.
  std::uint64_t tokens = 0;
};

Budget budget_of(const profile::ModelFacts& model, const Advice& advice, const Wish& wish);

}  // namespace fettle::models
