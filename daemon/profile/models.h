// Models: what the package knows of models, serving engines and how they go together. Plain values; the rules
// are checked when they are read, the room `models` applies them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/version_range.h"
#include "profile/complaint.h"
#include "profile/expression.h"
#include "system/files.h"

namespace fettle::profile {

// What a model is, as far as serving it needs to know. Numbers that a model does not have are 0.
// From its config.json (models/config.h), or from profiles/models/facts.yaml when it is not staged.
struct ModelFacts {
  std::string id;                   // "zai-org/GLM-4.6"
  std::string kind;                 // one of model_kinds
  Bytes size;                       // of the whole repository
  std::string model_type;           // "glm4_moe"
  std::string quant = "none";       // one of quant_kinds
  std::string dtype;                // "bfloat16"; empty when the configuration does not say
  std::string router = "plain";     // "biased-grouped": sigmoid scores plus a correction bias
  std::uint64_t layers = 0;         // decoder layers
  std::uint64_t window_layers = 0;  // of those, with a sliding window
  std::uint64_t state_layers = 0;   // of those, linear attention or mamba: no KV cache
  std::uint64_t hidden = 0;
  std::uint64_t heads = 0;
  std::uint64_t kv_heads = 0;
  std::uint64_t head_dim = 0;
  std::uint64_t kv_lora_rank = 0;   // of MLA, else 0
  std::uint64_t rope_head_dim = 0;  // of MLA: qk_rope_head_dim
  std::uint64_t sliding_window = 0;
  std::uint64_t num_experts = 0;
  std::uint64_t experts_per_token = 0;
  std::uint64_t expert_groups = 1;
  std::uint64_t expert_width = 0;
  std::uint64_t shared_experts = 0;
  std::uint64_t shared_width = 0;
  std::uint64_t context = 0;  // tokens: max_position_embeddings
  bool sparse_attention = false;
  bool vision = false;
  bool ships_kv_scales = false;
  bool is_verified = true;  // read in a published configuration, not inferred
  std::string source;       // of a shipped row

  bool is_mla() const { return kv_lora_rank > 0; }
};

inline constexpr std::array<std::string_view, 5> model_kinds{"transformers", "gguf", "diffusers", "comfyui",
                                                             "unknown"};
inline constexpr std::array<std::string_view, 6> quant_kinds{"none",       "fp8-block", "fp8-channel",
                                                             "fp8-tensor", "mxfp4",     "other"};
inline constexpr std::array<std::string_view, 2> router_kinds{"plain", "biased-grouped"};

// A number of ModelFacts: its name in rules and in facts.yaml, and what is possible. The largest published
// values are a tenth of these or less.
struct NumberFact {
  std::string_view name;
  std::uint64_t ModelFacts::*member;
  std::uint64_t least;
  std::uint64_t most;
};
inline constexpr std::array number_facts{
    NumberFact{"layers", &ModelFacts::layers, 0, 10'000},
    NumberFact{"window_layers", &ModelFacts::window_layers, 0, 10'000},
    NumberFact{"state_layers", &ModelFacts::state_layers, 0, 10'000},
    NumberFact{"hidden", &ModelFacts::hidden, 0, 1'000'000},
    NumberFact{"heads", &ModelFacts::heads, 0, 10'000},
    NumberFact{"kv_heads", &ModelFacts::kv_heads, 0, 10'000},
    NumberFact{"head_dim", &ModelFacts::head_dim, 0, 100'000},
    NumberFact{"kv_lora_rank", &ModelFacts::kv_lora_rank, 0, 1'000'000},
    NumberFact{"rope_head_dim", &ModelFacts::rope_head_dim, 0, 100'000},
    NumberFact{"sliding_window", &ModelFacts::sliding_window, 0, 1'000'000'000},
    NumberFact{"num_experts", &ModelFacts::num_experts, 0, 100'000},
    NumberFact{"experts_per_token", &ModelFacts::experts_per_token, 0, 100'000},
    NumberFact{"expert_groups", &ModelFacts::expert_groups, 1, 100'000},
    NumberFact{"expert_width", &ModelFacts::expert_width, 0, 10'000'000},
    NumberFact{"shared_experts", &ModelFacts::shared_experts, 0, 100'000},
    NumberFact{"shared_width", &ModelFacts::shared_width, 0, 10'000'000},
    NumberFact{"context", &ModelFacts::context, 0, 1'000'000'000},
};

// What the AITER inside an image can do: found by the commit that the image pins, or by its release.
struct AiterBuild {
  std::string pin;  // first 8 digits of a commit, or empty
  std::optional<VersionRange> release;
  std::uint64_t routing_tokens_per_cu = 0;
  bool routing_pow2_check = false;
  bool routing_group32_limit = false;
  bool bf16_width_192 = false;
  bool token_fp8_odd_width = false;
  std::string jit_env;
};

// Versions of an engine, and what is in them.
struct EngineVersions {
  std::string engine;  // one of engine_names
  VersionRange versions;
  std::string aiter;                         // a pin or a release
  std::uint64_t max_num_batched_tokens = 0;  // the server's default
  std::string confidence;
  std::string source;
};

// The image that an engine's makers publish for its versions.
struct EngineImage {
  std::string engine;
  VersionRange versions;
  std::string reference;  // "vllm/vllm-openai-rocm:v{version}"
  std::string entry;      // "serves": it starts the server by itself; "shell": it starts what it is given
  std::string default_version;  // of the engine, when nobody names one; in one row of each engine
  std::string source;
};

inline constexpr std::array<std::string_view, 2> engine_names{"vllm", "sglang"};

// A variable of an engine: rules may set no other. It exists in these versions of it only.
struct EngineVariable {
  std::string name;
  std::string engine;  // empty: it belongs to no engine and has no versions
  std::string value;   // the engine's default; may be empty
  std::optional<VersionRange> versions;
  std::string renamed_to;
  std::string argument;                           // takes its place: "--attention-backend"
  std::optional<VersionRange> argument_versions;  // where that argument exists
  std::string why;
};

struct Layout {
  unsigned tp = 1;
  unsigned dp = 1;
  bool ep = false;
};

// Every part that stands must fit.
struct Condition {
  std::vector<std::string> engines;
  std::optional<VersionRange> versions;
  std::vector<std::string> kinds;
  std::vector<std::string> model_types;
  std::vector<std::string> quants;
  std::vector<std::string> routers;
  std::optional<Expression> expression;
};

// A sentence with facts in it: "num_experts must be a power of 2, but got {num_experts}".
struct Sentence {
  struct Piece {
    std::string text;
    std::optional<std::size_t> fact;  // after the text
  };
  std::vector<Piece> pieces;
};

using Assignments = std::vector<std::pair<std::string, std::string>>;

struct Effect {
  Assignments env;
  std::vector<std::string> unset;
  std::vector<std::string> args;         // "--block-size 1"
  std::vector<std::string> forbid_args;  // takes away what earlier rules gave
  std::optional<Layout> layout;
  std::optional<Sentence> block;
  std::optional<Sentence> warn;
  std::optional<Sentence> info;
  std::optional<Sentence> alternative;
  std::string served_by;  // not by this engine, but by that: "llama.cpp"
};

struct Case {
  Condition when;
  Effect effect;
};

struct ModelRule {
  std::string id;
  Condition when;
  Effect effect;
  std::vector<Case> cases;  // those that fit act too, in their order
  Sentence reason;
  std::vector<std::string> sources;
  std::string confidence;
};

// A fact that is computed from others.
struct DerivedFact {
  std::string name;
  Expression expression;
};

struct ModelRules {
  std::string as_of;
  std::uint64_t compute_units = 0;
  std::string gfx;
  std::vector<AiterBuild> aiter_builds;
  std::vector<EngineVersions> engines;
  std::vector<EngineImage> images;
  std::vector<EngineVariable> variables;
  std::vector<DerivedFact> derived;
  std::vector<ModelRule> rules;
  // The table of all expressions: given_facts(), a setting "env.NAME" for each of `variables`, then
  // `derived`.
  Symbols symbols;
  std::size_t first_setting = 0;
  std::size_t first_derived = 0;
};

// The names that come before the derived facts, in the order in which the room `models` fills them.
Symbols given_facts();

// The build that a pin ("2ab9f4cd…") or a release ("v0.1.10.post2") names; nullptr when it is not listed.
const AiterBuild* find_build(const ModelRules& rules, std::string_view named);
const EngineVariable* find_variable(const ModelRules& rules, std::string_view name);

struct ModelTables {
  std::vector<ModelFacts> models;
  ModelRules rules;
};

struct LoadedModels {
  std::optional<ModelTables> tables;  // only when there is no complaint
  Complaints complaints;
};

// models/facts.yaml and models/rules.yaml, each from names::site_profiles or else names::shipped_profiles.
LoadedModels load_models(const system::Files& files);

}  // namespace fettle::profile
