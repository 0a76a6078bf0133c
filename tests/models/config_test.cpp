#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "models/config.h"
#include "models/shipped.h"

using namespace fettle;
using namespace fettle::models;
using fettle::test::shipped_models;

namespace {

std::string file_name(const std::string& id) {
  std::string name = id;
  name.replace(name.find('/'), 1, "--");
  return name + ".json";
}

std::string published(const std::string& id) {
  std::ifstream in(test::tests_dir() / "models/configs" / file_name(id));
  REQUIRE_MESSAGE(in, id);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string refused(const std::string& text) {
  const auto read = read_config(text, "/c/config.json", "a/b", Bytes{});
  REQUIRE_FALSE(read);
  return read.error().said;
}

// A small model that can be read, with one of its fields replaced.
std::string small(const std::string& key = {}, const std::string& value = {}) {
  std::string text =
      R"({"model_type": "x", "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 64)";
  if (!key.empty()) text += ", \"" + key + "\": " + value;
  return text + "}";
}

}  // namespace

TEST_CASE("config: what is read in each published config.json is what the package ships") {
  unsigned count = 0;
  for (const profile::ModelFacts& shipped : shipped_models().models) {
    if (shipped.kind != "transformers") continue;
    CAPTURE(shipped.id);
    const auto read = read_config(published(shipped.id), file_name(shipped.id), shipped.id, shipped.size);
    REQUIRE_MESSAGE(read, read.error().said);
    for (const profile::NumberFact& fact : profile::number_facts) {
      CAPTURE(fact.name);
      CHECK((*read).*(fact.member) == shipped.*(fact.member));
    }
    CHECK(read->model_type == shipped.model_type);
    CHECK(read->quant == shipped.quant);
    CHECK(read->dtype == shipped.dtype);
    CHECK(read->router == shipped.router);
    CHECK(read->vision == shipped.vision);
    CHECK(read->ships_kv_scales == shipped.ships_kv_scales);
    CHECK(read->sparse_attention == shipped.sparse_attention);
    ++count;
  }
  CHECK(count == 34);
}

TEST_CASE("config: the kind of a model follows from the names of its files") {
  CHECK(kind_of({"README.md", "config.json", "model.safetensors"}) == "transformers");
  CHECK(kind_of({"model_index.json", "transformer/config.json"}) == "diffusers");
  CHECK(kind_of({"Q4_K_M/GLM-4.6-Q4_K_M-00001-of-00005.gguf", "config.json"}) == "gguf");
  CHECK(kind_of({"split_files/vae/wan.safetensors"}) == "comfyui");
  CHECK(kind_of({"README.md"}) == "unknown");
  CHECK(kind_of({}) == "unknown");
}

TEST_CASE("config: text that is no JSON is refused with line and column") {
  CHECK(refused("{\n  \"model_type\": \"x\",\n").find("line 3, column 1") != std::string::npos);
  CHECK(refused("").find("line 1, column 1") != std::string::npos);
  CHECK(refused("{} {}").find("line 1, column 4") != std::string::npos);
  CHECK(refused("[]") == "cannot read '/c/config.json': it must hold an object, not a list");
}

TEST_CASE("config: ten thousand levels and a hundred megabytes are refused before they cost anything") {
  const std::string deep = "{\"a\": " + std::string(10'000, '[') + std::string(10'000, ']') + "}";
  CHECK(refused(deep).find("line 1, column") != std::string::npos);
  std::string large(100'000'000, ' ');
  large.replace(0, 2, "{}");
  CHECK(refused(large).find("it is larger than 4.0 MiB") != std::string::npos);
}

TEST_CASE("config: a wrong field is refused with its path and what it holds") {
  REQUIRE(read_config(small(), "c", "a/b", Bytes{}));
  struct Row {
    const char* key;
    const char* value;
    const char* said;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"num_experts", "\"160\"", "'num_experts' must be a number from 0 to 100000, not the text '160'"},
           {"num_experts", "-1", "not the number -1"},
           {"num_experts", "1e300", "not the number 1E300"},
           {"num_experts", "99999999999999999999999", "'num_experts' must be a number"},
           {"num_experts", "8.5", "not the number 8.5E0"},
           {"num_experts", "8", "'moe_intermediate_size' is missing or 0"},
           {"num_key_value_heads", "[8]",
            "'num_key_value_heads' must be a number from 0 to 10000, not a list"},
           {"layer_types", "[\"mamba\"]", "'layer_types' must be a list of 2 texts"},
           {"layer_types", "[1, 2]", "'layer_types' must hold texts only, not the number 1"},
           {"kv_lora_rank", "512", "'qk_rope_head_dim' is missing or 0"},
           {"quantization_config", "[]", "'quantization_config' must be an object, not a list"},
           {"quantization_config", "{\"quant_method\": 8}",
            "'quantization_config.quant_method' must be a text"},
           {"text_config", "7", "'text_config' must be an object, not the number 7"},
           {"text_config", "{}", "'text_config.num_hidden_layers' is missing or 0"},
       }) {
    CAPTURE(row.key);
    CAPTURE(row.value);
    const std::string said = refused(small(row.key, row.value));
    CHECK_MESSAGE(said.find(row.said) != std::string::npos, said);
  }
  CHECK(refused("{}") == "cannot read '/c/config.json': 'model_type' is missing");
  CHECK(refused(R"({"model_type": null})") == "cannot read '/c/config.json': 'model_type' is missing");
}

TEST_CASE("config: layers count by what they keep for a token") {
  const auto read = [](const std::string& more) {
    const auto facts = read_config(
        R"({"model_type": "x", "num_hidden_layers": 4, "num_attention_heads": 4, "hidden_size": 64, )" +
            more + "}",
        "c", "a/b", Bytes{});
    REQUIRE_MESSAGE(facts, facts.error().said);
    return std::pair(facts->window_layers, facts->state_layers);
  };
  using Pair = std::pair<std::uint64_t, std::uint64_t>;
  CHECK(read(R"("sliding_window": 128)") == Pair(4, 0));
  CHECK(read(R"("sliding_window": 128, "use_sliding_window": false)") == Pair(0, 0));
  CHECK(read(R"("sliding_window": null)") == Pair(0, 0));
  CHECK(read(R"("sliding_window": 128, "sliding_window_pattern": 2)") == Pair(2, 0));
  CHECK(read(R"("full_attention_interval": 4)") == Pair(0, 3));
  CHECK(read(R"("layer_types": ["mamba", "attention", "linear_attention", "sliding_attention"])") ==
        Pair(1, 2));
}
