#include "models/config.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <initializer_list>
#include <optional>

#include "base/json.h"

namespace fettle::models {
namespace {

namespace json = boost::json;
using profile::ModelFacts;

// Families whose router adds a correction bias although their configuration does not say so.
constexpr std::array biased_families{"deepseek_v3", "deepseek_v32", "kimi_k2", "glm4_moe"};
// gpt-oss alternates a window and full attention; older copies of its configuration have no layer_types.
constexpr std::string_view alternating_family = "gpt_oss";

std::string quoted(std::string_view text) {
  std::string shown = "'";
  for (const char c : text.substr(0, 60)) shown += (c >= ' ' && c <= '~') ? c : '?';
  return shown + (text.size() > 60 ? "…'" : "'");
}

std::string kind_of_value(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a truth value";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      return "the number " + json::serialize(value);
    case json::kind::string:
      return "the text " + quoted(value.get_string());
    case json::kind::array:
      return "a list";
    case json::kind::object:
      return "an object";
  }
  return "something else";
}

// Reads fields of one object; the first mistake stays.
class Reader {
 public:
  Reader(const json::object& object, std::string path) : object_(object), path_(std::move(path)) {}

  const std::optional<std::string>& mistake() const { return mistake_; }

  void complain(std::string_view key, const std::string& what) {
    if (!mistake_) mistake_ = "'" + path_ + std::string(key) + "' " + what;
  }

  // Present and not null.
  const json::value* find(std::string_view key) const {
    const json::value* const value = object_.if_contains(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  std::string text(std::string_view key) {
    const json::value* const value = find(key);
    if (value == nullptr) return {};
    if (value->is_string() && value->get_string().size() <= 256) return std::string(value->get_string());
    complain(key, "must be a text of at most 256 bytes, not " + kind_of_value(*value));
    return {};
  }

  // The first of the keys that is there, else `missing`.
  std::uint64_t number(std::initializer_list<std::string_view> keys, std::string_view fact,
                       std::uint64_t missing) {
    const auto limits = std::find_if(profile::number_facts.begin(), profile::number_facts.end(),
                                     [&](const profile::NumberFact& each) { return each.name == fact; });
    for (const std::string_view key : keys) {
      const json::value* const value = find(key);
      if (value == nullptr) continue;
      boost::system::error_code err;
      const auto number = value->is_number() ? value->to_number<std::uint64_t>(err) : 0;
      if (!value->is_number() || err || number < limits->least || number > limits->most) {
        complain(key, "must be a number from " + std::to_string(limits->least) + " to " +
                          std::to_string(limits->most) + ", not " + kind_of_value(*value));
      }
      return number;
    }
    return missing;
  }

  std::uint64_t needed(std::initializer_list<std::string_view> keys, std::string_view fact) {
    const std::uint64_t value = number(keys, fact, 0);
    if (value == 0) complain(*keys.begin(), "is missing or 0");
    return value;
  }

 private:
  const json::object& object_;
  std::string path_;
  std::optional<std::string> mistake_;
};

bool is_true(const json::value* value) {
  return value != nullptr && value->is_bool() && value->get_bool();
}

// Layers by what they keep for each token.
void read_layers(Reader& reader, ModelFacts& out) {
  if (const json::value* const types = reader.find("layer_types")) {
    const json::array* const list = types->if_array();
    if (list == nullptr || list->size() != out.layers) {
      reader.complain("layer_types",
                      "must be a list of " + std::to_string(out.layers) + " texts, one a layer");
      return;
    }
    for (const json::value& each : *list) {
      if (!each.is_string()) {
        reader.complain("layer_types", "must hold texts only, not " + kind_of_value(each));
        return;
      }
      const std::string_view type = each.get_string();
      if (type == "sliding_attention") ++out.window_layers;
      if (type == "mamba" || type == "linear_attention") ++out.state_layers;
    }
    return;
  }
  // "every Nth layer is a full one"
  const auto all_but_every = [&](std::uint64_t interval) { return out.layers - out.layers / interval; };
  if (const auto interval = reader.number({"full_attention_interval"}, "layers", 0)) {
    out.state_layers = all_but_every(interval);
  } else if (out.sliding_window == 0) {
    return;
  } else if (const auto pattern = reader.number({"sliding_window_pattern"}, "layers", 0)) {
    out.window_layers = all_but_every(pattern);
  } else {
    out.window_layers = out.model_type == alternating_family ? out.layers / 2 : out.layers;
  }
}

void read_attention(Reader& reader, ModelFacts& out) {
  out.layers = reader.needed({"num_hidden_layers"}, "layers");
  out.heads = reader.needed({"num_attention_heads"}, "heads");
  out.kv_heads = reader.number({"num_key_value_heads"}, "kv_heads", out.heads);
  out.hidden = reader.needed({"hidden_size"}, "hidden");
  out.head_dim = reader.number({"head_dim"}, "head_dim", out.heads == 0 ? 0 : out.hidden / out.heads);
  out.kv_lora_rank = reader.number({"kv_lora_rank"}, "kv_lora_rank", 0);
  if (out.is_mla()) out.rope_head_dim = reader.needed({"qk_rope_head_dim"}, "rope_head_dim");
  const json::value* const use_window = reader.find("use_sliding_window");
  const bool is_switched_off = use_window != nullptr && !is_true(use_window);
  if (!is_switched_off) out.sliding_window = reader.number({"sliding_window"}, "sliding_window", 0);
  out.sparse_attention = reader.find("index_topk") != nullptr;
  out.context = reader.number({"max_position_embeddings"}, "context", 0);
  read_layers(reader, out);
}

void read_experts(Reader& reader, ModelFacts& out) {
  out.num_experts = reader.number({"num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"},
                                  "num_experts", 0);
  if (out.num_experts == 0) return;
  out.experts_per_token =
      reader.number({"num_experts_per_tok", "experts_per_token", "moe_topk", "num_experts_per_token"},
                    "experts_per_token", 0);
  out.expert_groups = reader.number({"n_group"}, "expert_groups", 1);
  // Mixtral, OLMoE, gpt-oss and Granite have no width of their own for experts.
  out.expert_width = reader.number({"moe_intermediate_size", "intermediate_size"}, "expert_width", 0);
  if (out.expert_width == 0)
    reader.complain("moe_intermediate_size", "is missing or 0, and so is 'intermediate_size'");
  out.shared_experts = reader.number({"n_shared_experts"}, "shared_experts", 0);
  out.shared_width =
      reader.number({"shared_expert_intermediate_size", "shared_intermediate_size"}, "shared_width", 0);
  const bool is_biased =
      reader.text("topk_method") == "noaux_tc" ||
      std::find(biased_families.begin(), biased_families.end(), out.model_type) != biased_families.end();
  out.router = is_biased ? "biased-grouped" : "plain";
}

// compressed-tensors: every group must say the same.
std::string_view compressed_kind(const json::object& quantization) {
  const json::value* const groups = quantization.if_contains("config_groups");
  const json::object* const all = groups == nullptr ? nullptr : groups->if_object();
  if (all == nullptr || all->empty()) return "other";
  std::string_view kind;
  for (const auto& [name, group] : *all) {
    const json::value* const weights = json_field(group, "weights");
    if (weights == nullptr || json_text(*weights, "type") != "float" || json_count(*weights, "num_bits") != 8)
      return "other";
    const std::string strategy = json_text(*weights, "strategy");
    const std::string_view here = strategy == "channel"  ? "fp8-channel"
                                  : strategy == "tensor" ? "fp8-tensor"
                                  : strategy == "block"  ? "fp8-block"
                                                         : "other";
    if (!kind.empty() && kind != here) return "other";
    kind = here;
  }
  return kind;
}

bool is_filled(const json::value* value) {
  if (value == nullptr || value->is_null()) return false;
  const json::array* const list = value->if_array();
  return list == nullptr || !list->empty();
}

void read_quantization(Reader& top, ModelFacts& out) {
  const json::value* const value = top.find("quantization_config");
  if (value == nullptr) return;
  const json::object* const fields = value->if_object();
  if (fields == nullptr) {
    top.complain("quantization_config", "must be an object, not " + kind_of_value(*value));
    return;
  }
  Reader reader(*fields, "quantization_config.");
  const std::string method = reader.text("quant_method");
  if (method == "mxfp4") {
    out.quant = "mxfp4";
  } else if (method == "compressed-tensors") {
    out.quant = compressed_kind(*fields);
  } else if (method == "fp8" || method == "quark") {
    out.quant = reader.find("weight_block_size") != nullptr ? "fp8-block" : "fp8-tensor";
  } else {
    out.quant = "other";
  }
  const json::value* const exported = reader.find("export");
  out.ships_kv_scales = is_filled(reader.find("kv_cache_scheme")) ||
                        (exported != nullptr && is_filled(json_field(*exported, "kv_cache_group")));
  if (reader.mistake()) top.complain({}, "is an object in which " + *reader.mistake());
}

bool ends_with(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() && text.substr(text.size() - ending.size()) == ending;
}

}  // namespace

std::string_view kind_of(const std::vector<std::string>& names) {
  const auto has = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const auto any_ends = [&](std::string_view ending) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& each) { return ends_with(each, ending); });
  };
  if (has("model_index.json")) return "diffusers";
  if (any_ends(".gguf")) return "gguf";
  if (has("config.json")) return "transformers";
  if (any_ends(".safetensors")) return "comfyui";
  return "unknown";
}

Result<ModelFacts> read_config(std::string_view text, std::string_view file, std::string_view id,
                               Bytes size) {
  const std::string where = "'" + std::string(file) + "'";
  const std::string hint =
      "is it the model's own file, and whole? `fettle shelf verify` compares it with its hash";
  if (text.size() > largest_config.count) {
    return fail(Why::refused, "cannot read " + where + ": it is larger than " + to_text(largest_config),
                hint);
  }
  const auto value = parse_json(text, where);
  if (!value) return fail(value.error().why, value.error().said, hint);
  const auto malformed = [&](const std::string& what) {
    return fail(Why::malformed, "cannot read " + where + ": " + what, hint);
  };
  const json::object* const object = value->if_object();
  if (object == nullptr) return malformed("it must hold an object, not " + kind_of_value(*value));

  ModelFacts out;
  out.id = id;
  out.kind = "transformers";
  out.size = size;
  Reader top(*object, "");
  out.model_type = top.text("model_type");
  if (out.model_type.empty()) top.complain("model_type", "is missing");
  // Models that also see have their decoder in an object of its own.
  const json::value* const nested = top.find("text_config");
  if (nested != nullptr && !nested->is_object()) {
    top.complain("text_config", "must be an object, not " + kind_of_value(*nested));
  }
  const bool is_nested = nested != nullptr && nested->is_object();
  Reader decoder(is_nested ? nested->get_object() : *object, is_nested ? "text_config." : "");
  // The key is torch_dtype before transformers 4.56 and dtype after.
  for (Reader* const each : {&decoder, &top}) {
    for (const std::string_view key : {"torch_dtype", "dtype"}) {
      if (out.dtype.empty()) out.dtype = each->text(key);
    }
  }
  read_attention(decoder, out);
  read_experts(decoder, out);
  read_quantization(top, out);
  out.vision = top.find("vision_config") != nullptr;
  out.ships_kv_scales = out.ships_kv_scales || ends_with(id, "-FP8-KV");
  for (const Reader* const each : {&top, &decoder}) {
    if (each->mistake()) return malformed(*each->mistake());
  }
  out.source = file;
  return out;
}

}  // namespace fettle::models
