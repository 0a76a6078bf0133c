#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "base/yaml_text.h"
#include "models/budget.h"
#include "models/compiled.h"
#include "models/image.h"
#include "models/run_line.h"
#include "models/shipped.h"
#include "system/runner.h"

using namespace fettle;
using namespace fettle::models;
using fettle::test::shipped_model;
using fettle::test::shipped_models;

namespace {

const std::vector<std::string> awkward{
    "",     "plain-1.2/x:y=z", "two words", "it's",       "a\"b",    "back\\slash", "$HOME", "`id`",
    "100%", "#hash",           "{a,b}*?",   "two\nlines", "\xc3\xa9"};

Wish with(const std::string& version) {
  Wish wish;
  wish.engine = {"vllm", version, {}, {}};
  return wish;
}

Advice advice_for(std::string_view id, const Wish& wish) {
  auto advice = advise(shipped_model(id), shipped_models().rules, wish);
  REQUIRE(advice);
  return std::move(*advice);
}

}  // namespace

TEST_CASE("run line: a shell gives back every word that was quoted for it") {
  const auto runner = system::make_runner();
  for (const std::string& word : awkward) {
    CAPTURE(word);
    const auto done = runner->run({{"/bin/sh", "-c", "printf '%s|' " + quote_sh(word)}, {}});
    REQUIRE_MESSAGE(done, done.error().said);
    CHECK(done->out == word + "|");
  }
}

TEST_CASE("run line: units and compose files get their own quoting") {
  CHECK(quote_unit("plain") == "plain");
  CHECK(quote_unit("100% of $HOME \"x\" \\ y") == "\"100%% of $$HOME \\\"x\\\" \\\\ y\"");
  CHECK(quote_unit("two\nlines") == "\"two\\nlines\"");
  CHECK(compose_text("plain") == "\"plain\"");
  CHECK(compose_text("$HOME \"x\"\n") == "\"$$HOME \\\"x\\\"\\x0a\"");
}

TEST_CASE("run line: every dialect holds the image, the layout and every variable") {
  const Wish wish = with("0.23.0");
  for (const char* id : {"zai-org/GLM-4.6", "deepseek-ai/DeepSeek-R1-0528", "openai/gpt-oss-120b"}) {
    const Advice advice = advice_for(id, wish);
    Container container;
    container.image = "vllm/vllm-openai-rocm:v0.23.0";
    container.image_source = "x";
    const RunLine line = run_line(shipped_model(id), advice, wish, nullptr, container);
    for (const LineDialect& dialect : line_dialects()) {
      CAPTURE(dialect.name);
      const std::string text = dialect.write(line);
      CHECK(text.find("vllm/vllm-openai-rocm:v0.23.0") != std::string::npos);
      CHECK(text.find("/dev/kfd") != std::string::npos);
      CHECK(text.find(id) != std::string::npos);
      for (const Setting& each : advice.settings)
        CHECK(text.find(each.name + "=" + each.value) != std::string::npos);
      for (const Part& each : line.parts)
        CHECK(text.find("[" + each.reason.rule + "; ") != std::string::npos);
    }
    for (const Part& each : line.parts) {
      CHECK_FALSE(each.reason.text.empty());
      CHECK_FALSE(each.reason.sources.front().empty());
    }
  }
}

TEST_CASE("run line: an image's containers are led to its own compiled code, and to no other's") {
  profile::Profile profile;
  profile.name = "p";
  profile.cache.emplace().path = "/srv/fettle";
  profile.caches.push_back(
      {"aiter", {"AITER_JIT_DIR"}, 0755, {}, {}, {}, "kernels", profile::Compiled::by_image});
  profile.caches.push_back({"tunableop",
                            {"PYTORCH_TUNABLEOP_FILENAME"},
                            0755,
                            {},
                            {},
                            {},
                            "choices",
                            profile::Compiled::by_image,
                            "{image}_{container}_%d.csv"});
  const auto value_of = [](const Advice& advice, std::string_view name) {
    for (const Setting& each : advice.settings) {
      if (each.name == name) return each.value;
    }
    return std::string();
  };
  const auto is_unset = [](const Advice& advice) {
    return std::any_of(advice.unset.begin(), advice.unset.end(),
                       [](const Unset& each) { return each.name == "AITER_JIT_DIR"; });
  };
  const std::string digest = "sha256:" + std::string(64, 'a');
  Image image{digest, "gfx942", "glm-4.6", {"aiter"}};
  Advice led = advice_for("zai-org/GLM-4.6", with("0.23.0"));
  REQUIRE(is_unset(led));
  lead_to_compiled(led, profile, image);
  CHECK(value_of(led, "AITER_JIT_DIR") == "/srv/fettle/aiter/aaaaaaaaaaaaaaaa-gfx942");
  CHECK_FALSE(is_unset(led));
  CHECK(value_of(led, "PYTORCH_TUNABLEOP_FILENAME") ==
        "/srv/fettle/tunableop/aaaaaaaaaaaaaaaa-gfx942_glm-4.6_%d.csv");

  // Nothing was begun for the image: its own kernels must not be hidden.
  image.begun.clear();
  Advice not_begun = advice_for("zai-org/GLM-4.6", with("0.23.0"));
  lead_to_compiled(not_begun, profile, image);
  CHECK(value_of(not_begun, "AITER_JIT_DIR").empty());
  CHECK(is_unset(not_begun));

  // The AITER of vLLM 0.11.0 does not read it.
  image.begun = {"aiter"};
  Advice old = advice_for("zai-org/GLM-4.6", with("0.11.0"));
  lead_to_compiled(old, profile, image);
  CHECK(value_of(old, "AITER_JIT_DIR").empty());

  // What the operator says stays, and ranks that count GPUs anew get no common file.
  Wish mine = with("0.23.0");
  mine.set["PYTORCH_TUNABLEOP_FILENAME"] = "/mine.csv";
  Advice own = advice_for("zai-org/GLM-4.6", mine);
  lead_to_compiled(own, profile, image);
  CHECK(value_of(own, "PYTORCH_TUNABLEOP_FILENAME") == "/mine.csv");
  Advice parallel = advice_for("Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", with("0.23.0"));
  REQUIRE(parallel.layout.dp > 1);
  lead_to_compiled(parallel, profile, image);
  CHECK(value_of(parallel, "PYTORCH_TUNABLEOP_FILENAME").empty());
}

TEST_CASE("run line: what the advice takes away is not passed on from the profile") {
  profile::Profile profile;
  profile.name = "p";
  profile.cache.emplace().path = "/srv/fettle";
  profile.caches.push_back({"aiter", {"AITER_JIT_DIR"}, 0755, {}, {}, {}, "w"});
  profile.caches.push_back({"hf", {"HF_HOME"}, 0755, {}, {}, {}, "w"});
  profile.environment.push_back({"ON_HOST", "1", profile::Scope::host, "w", "s"});
  Wish wish = with("0.11.0");
  Container container;
  container.image = "i";
  container.image_source = "s";
  container.entry = Entry::shell;
  container.is_staged = true;
  container.render_group = "993";
  const Advice advice = advice_for("zai-org/GLM-4.6", wish);
  const std::string text =
      line_dialects()[0].write(run_line(shipped_model("zai-org/GLM-4.6"), advice, wish, &profile, container));
  CHECK(text.find("--env HF_HOME=/srv/fettle/hf") != std::string::npos);
  CHECK(text.find("--env AITER_JIT_DIR") == std::string::npos);
  CHECK(text.find("# leave unset: AITER_JIT_DIR, JIT_WORKSPACE_DIR: ") != std::string::npos);
  CHECK(text.find("--group-add 993 \\\n") != std::string::npos);
  CHECK(text.find("ON_HOST") == std::string::npos);
  CHECK(text.find("HF_HUB_OFFLINE=1") != std::string::npos);
  CHECK(text.find("\n  i \\\n  vllm serve zai-org/GLM-4.6 \\\n  --tensor-parallel-size 8 \\\n") !=
        std::string::npos);
}

TEST_CASE("budget: weights and cache of each GPU follow from the configuration") {
  const auto budget = [](std::string_view id, const Wish& wish) {
    return budget_of(shipped_model(id), advice_for(id, wish), wish);
  };
  const Budget glm = budget("zai-org/GLM-4.6", with("0.11.0"));
  CHECK(glm.weights.count == 713'600'000'000 / 8);
  CHECK(glm.kv_per_token.count == 92 * 2 * 1 * 128 * 2);  // one KV head a rank, 16 bits
  CHECK(glm.tokens > 1'000'000);
  const Budget deepseek = budget("deepseek-ai/DeepSeek-R1-0528", with("0.11.0"));
  CHECK(deepseek.kv_per_token.count == 61 * 576 * 2);  // MLA: the same on every rank
  const Budget llama = budget("amd/Llama-3.1-70B-Instruct-FP8-KV", with("0.11.0"));
  CHECK(llama.kv_element == 1);
  CHECK(llama.kv_per_token.count == 80 * 2 * 8 * 128);
  const Budget gpt = budget("openai/gpt-oss-120b", with("0.11.0"));
  CHECK(gpt.kv_per_token.count == 18 * 2 * 8 * 64 * 2);
  CHECK(gpt.window_per_sequence.count == 18 * 2 * 8 * 64 * 2 * 128);
  const Budget hybrid = budget("ibm-granite/granite-4.0-h-small", with("0.11.0"));
  CHECK(hybrid.kv_per_token.count == 4 * 2 * 8 * 128 * 2);
  const Budget olmoe = budget("allenai/OLMoE-1B-7B-0125", with("0.11.0"));
  CHECK(olmoe.weights.count == 27'700'000'000 / 2);  // float32 is cast
  Wish small = with("0.11.0");
  small.node.gpu_memory = 64_GiB;
  small.tp = 8;
  CHECK(budget("zai-org/GLM-4.6", small).left.count == 0);
  CHECK(budget("zai-org/GLM-4.6", small).tokens == 0);
}

TEST_CASE("image: a reference tells the engine and its version, or leaves them open") {
  struct Row {
    const char* reference;
    const char* engine;
    const char* version;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"vllm/vllm-openai-rocm:v0.23.0", "vllm", "0.23.0"},
           {"rocm/vllm:rocm7.0.0_vllm_0.11.1_20251024", "vllm", "0.11.1"},
           {"rocm/vllm:rocm7.14.0_cdna_ubuntu24.04_py3.14_pytorch_2.11.0_vllm_0.23.0", "vllm", "0.23.0"},
           {"lmsysorg/sglang:v0.5.9-rocm700-mi30x", "sglang", "0.5.9"},
           {"registry.example:5000/vllm/vllm-openai-rocm:v0.16.0@sha256:00ff", "vllm", "0.16.0"},
           {"rocm/vllm:latest", "vllm", ""},
           {"sha256:00ff", "", ""},
       }) {
    CAPTURE(row.reference);
    const auto engine = engine_of_image(row.reference);
    REQUIRE(engine);
    CHECK(engine->name == row.engine);
    CHECK(engine->version == row.version);
  }
  CHECK(engine_of_image("x/vllm:v0.16.0@sha256:00ff")->image == "sha256:00ff");
  for (const char* bad : {"", "-it", "a b", "a;b", "$(id)"}) CHECK_FALSE(engine_of_image(bad));
}

TEST_CASE("image: its versions file names the AITER, and the vLLM when that is a version") {
  const auto engine = with_versions({"vllm", "0.11.0", {}, "i"},
                                    "BASE_IMAGE: x\nAITER_BRANCH: 2ab9f4cd\nVLLM_BRANCH: main\n", "/v");
  REQUIRE(engine);
  CHECK(engine->aiter == "2ab9f4cd");
  CHECK(engine->version == "0.11.0");
  CHECK(with_versions({}, "VLLM_BRANCH=v0.16.0\n", "/v")->version == "v0.16.0");
  CHECK_FALSE(with_versions({}, "BASE_IMAGE: x\n", "/v"));
  CHECK_FALSE(with_versions({}, std::string(100'000, 'x'), "/v"));
}
