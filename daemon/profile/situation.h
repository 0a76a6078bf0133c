// Situation: one model with one engine on one node in one layout, and the facts that rules may ask about it.
#pragma once

#include <string>
#include <vector>

#include "profile/models.h"

namespace fettle::profile {

struct Situation {
  const ModelFacts* model = nullptr;
  const AiterBuild* aiter = nullptr;
  std::string_view engine;  // "vllm"
  std::string_view gfx;     // "gfx942"
  std::uint64_t compute_units = 0;
  Bytes gpu_memory;           // of one GPU
  unsigned gpus = 0;          // of the node
  unsigned mec_firmware = 0;  // of the compute microcode; 0 = not known
  std::uint64_t max_num_batched_tokens = 0;
  std::string_view kv_cache_dtype;  // "auto", "fp8"
  Layout layout;
};

// What the weights take once they are loaded: float32 is cast to 16 bits.
Bytes loaded_size(const ModelFacts& model);

// In the order of given_facts(). The texts live in what the situation points to.
std::vector<Value> values_of(const Situation& situation);

}  // namespace fettle::profile
