#include <doctest/doctest.h>

#include "models/advise.h"

#include <algorithm>

#include "models/shipped.h"

using namespace fettle;
using namespace fettle::models;
using fettle::test::shipped_model;
using fettle::test::shipped_models;

namespace {

Wish with(std::string version, std::optional<unsigned> tp = {}, std::string engine = "vllm") {
  Wish wish;
  wish.engine = {std::move(engine), std::move(version), {}, {}};
  wish.tp = tp;
  return wish;
}

Advice advice_for(std::string_view id, const Wish& wish) {
  auto advice = advise(shipped_model(id), shipped_models().rules, wish);
  REQUIRE_MESSAGE(advice, advice.error().said);
  return std::move(*advice);
}

std::string value_of(const Advice& advice, std::string_view name) {
  for (const Setting& each : advice.settings) {
    if (each.name == name) return each.value;
  }
  return "unset";
}

// "TP8 EP | AITER=1 AITER_MOE=1 | --block-size 1": as the table of the notes has it.
std::string row_of(const Advice& advice) {
  std::string row;
  if (!advice.served_by.empty()) return "none";
  row = to_text(advice.layout) + (advice.is_blocked() ? " blocked" : "") + " |";
  for (const Setting& each : advice.settings) {
    std::string name = each.name;
    if (name.rfind("VLLM_ROCM_USE_", 0) == 0) name.erase(0, 14);
    row += " " + name + "=" + each.value;
  }
  row += " |";
  for (std::size_t i = 0; i < advice.arguments.size(); ++i) {
    if (advice.arguments[i].reason.rule != "layout") row += " " + advice.arguments[i].text;
  }
  return row;
}

constexpr const char* glm_args =
    " --tool-call-parser glm45 --reasoning-parser glm45 --enable-auto-tool-choice";

}  // namespace

TEST_CASE("advise: the 38 models of the shelf get the settings of the table in vLLM 0.11.0 and 0.23") {
  const std::string glm = glm_args;
  const std::string glm_old = " AITER=1 AITER_MOE=0 |" + glm;
  const std::string glm_new = " AITER=1 |" + glm;
  const std::string coder = " AITER=1 | --tool-call-parser qwen3_coder --enable-auto-tool-choice";
  const std::string next = " | --no-enable-prefix-caching";
  const std::string llama_kv = " AITER=1 | --dtype float16 --kv-cache-dtype fp8";
  const std::string llama_kv_new =
      " AITER=1 | --dtype float16 --attention-backend ROCM_ATTN --kv-cache-dtype fp8";
  const std::string mixtral = " AITER=1 | --dtype float16";
  const std::string gpt_old = " AITER=1 AITER_MHA=0 VLLM_USE_AITER_UNIFIED_ATTENTION=1";
  const std::string gpt_new = " AITER=1 AMDGCN_USE_BUFFER_OPS=0";
  const std::string gpt_args = " --attention-backend ROCM_AITER_UNIFIED_ATTN --block-size 64";
  const std::string vl_new =
      " AITER=1 AITER_MHA=1 VLLM_ROCM_SHUFFLE_KV_CACHE_LAYOUT=1 VLLM_WORKER_MULTIPROC_METHOD=spawn | "
      "--mm-encoder-tp-mode data";
  struct Wanted {
    std::string id, old_row, new_row;
  };
  const std::vector<Wanted> table{
      {"zai-org/GLM-4.6", "TP8 |" + glm_old, "TP8 |" + glm_new},
      {"zai-org/GLM-4.5", "TP8 |" + glm_old, "TP8 |" + glm_new},
      {"zai-org/GLM-4.6-FP8", "TP4 |" + glm_old, "TP4 |" + glm_new},
      {"zai-org/GLM-4.5-FP8", "TP4 |" + glm_old, "TP4 |" + glm_new},
      {"zai-org/GLM-4.5-Air-FP8", "TP1 |" + glm_old, "TP1 |" + glm_new},
      {"deepseek-ai/DeepSeek-R1-0528", "TP8 EP | AITER=1 AITER_MOE=1 | --block-size 1",
       "TP8 EP | AITER=1 AITER_MOE=1 |"},
      {"deepseek-ai/DeepSeek-V3.1-Terminus", "TP8 EP | AITER=1 AITER_MOE=1 | --block-size 1",
       "TP8 EP | AITER=1 AITER_MOE=1 |"},
      {"moonshotai/Kimi-K2-Instruct-0905", "TP8 | |", "TP8 | |"},
      {"openai/gpt-oss-120b", "TP1 |" + gpt_old + " |", "TP1 |" + gpt_new + " |" + gpt_args},
      {"unsloth/gpt-oss-120b-BF16", "TP2 |" + gpt_old + " AITER_MOE=0 |",
       "TP2 |" + gpt_new + " AITER_MOE=0 |" + gpt_args},
      {"Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "TP4 | AITER=1 AITER_MHA=0 |",
       "TP4 | AITER=1 AITER_MHA=0 |"},
      {"Qwen/Qwen3-235B-A22B-Thinking-2507-FP8", "TP4 | AITER=1 AITER_MHA=0 |",
       "TP4 | AITER=1 AITER_MHA=0 |"},
      {"Qwen/Qwen3-30B-A3B-FP8", "TP1 | |", "TP1 | |"},
      {"Qwen/Qwen3-Coder-480B-A35B-Instruct", "TP8 EP |" + coder, "TP8 EP |" + coder},
      {"Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", "TP1 DP8 EP |" + coder, "TP1 DP8 EP |" + coder},
      {"Qwen/Qwen3-Next-80B-A3B-Instruct", "TP4 |" + next, "TP4 |" + next},
      {"Qwen/Qwen3-Next-80B-A3B-Instruct-FP8", "TP4 |" + next, "TP4 |" + next},
      {"Qwen/Qwen3-Next-80B-A3B-Thinking-FP8", "TP4 |" + next, "TP4 |" + next},
      {"Qwen/Qwen3-VL-235B-A22B-Instruct-FP8", "TP2 | |", "TP8 EP |" + vl_new},
      {"Qwen/Qwen3-VL-235B-A22B-Thinking", "TP4 | |", "TP8 EP |" + vl_new},
      {"Qwen/Qwen2.5-VL-72B-Instruct", "TP4 | AITER=1 | --mm-encoder-tp-mode data",
       "TP4 | AITER=1 | --mm-encoder-tp-mode data"},
      {"amd/Llama-3.1-405B-Instruct-FP8-KV", "TP4 |" + llama_kv, "TP4 |" + llama_kv_new},
      {"amd/Llama-3.1-70B-Instruct-FP8-KV", "TP1 |" + llama_kv, "TP1 |" + llama_kv_new},
      {"amd/Llama-3.3-70B-Instruct-FP8-KV", "TP1 |" + llama_kv, "TP1 |" + llama_kv_new},
      {"amd/Mixtral-8x22B-Instruct-v0.1-FP8-KV", "TP1 |" + llama_kv, "TP1 |" + llama_kv_new},
      {"amd/Mixtral-8x7B-Instruct-v0.1-FP8-KV", "TP1 |" + llama_kv, "TP1 |" + llama_kv_new},
      {"mistralai/Mixtral-8x22B-Instruct-v0.1", "TP2 |" + mixtral,
       "TP2 |" + mixtral + " --attention-backend ROCM_ATTN"},
      {"mistralai/Mixtral-8x7B-Instruct-v0.1", "TP2 |" + mixtral,
       "TP2 |" + mixtral + " --attention-backend ROCM_ATTN"},
      {"ibm-granite/granite-4.0-h-small", "TP1 | | --tool-call-parser hermes --enable-auto-tool-choice",
       "TP1 | | --tool-call-parser hermes --enable-auto-tool-choice"},
      {"Qwen/Qwen1.5-MoE-A2.7B-Chat", "TP1 | |", "TP1 | |"},
      {"allenai/OLMoE-1B-7B-0125", "TP1 | |", "TP1 | |"},
      {"Qwen/Qwen3-0.6B", "TP1 | |", "TP1 | |"},
      {"RedHatAI/gemma-3-27b-it-FP8-dynamic", "TP1 | |", "TP1 | |"},
      {"ibm-granite/granite-docling-258M", "TP1 | |", "TP1 | |"},
      {"Comfy-Org/Wan_2.2_ComfyUI_Repackaged", "none", "none"},
      {"Comfy-Org/stable-diffusion-3.5-fp8", "none", "none"},
      {"Qwen/Qwen-Image-Edit-2509", "none", "none"},
      {"unsloth/GLM-4.6-GGUF", "none", "none"},
  };
  CHECK(table.size() == 38);
  CHECK(shipped_models().models.size() == 38);
  for (const Wanted& wanted : table) {
    CAPTURE(wanted.id);
    CHECK(row_of(advice_for(wanted.id, with("0.11.0"))) == wanted.old_row);
    CHECK(row_of(advice_for(wanted.id, with("0.23.0"))) == wanted.new_row);
  }
}

TEST_CASE("advise: GLM-4.6 at TP8 keeps AITER but not its experts in vLLM 0.11.0, and says why") {
  const Advice advice = advice_for("zai-org/GLM-4.6", with("0.11.0", 8));
  CHECK(value_of(advice, "VLLM_ROCM_USE_AITER") == "1");
  CHECK(value_of(advice, "VLLM_ROCM_USE_AITER_MOE") == "0");
  for (const Setting& each : advice.settings) {
    if (each.name != "VLLM_ROCM_USE_AITER_MOE") continue;
    CHECK(each.reason.rule == "aiter-routing-pow2");
    CHECK(each.reason.text.find("num_experts must be a power of 2, but got 160") != std::string::npos);
    CHECK(each.reason.text.find("more than 4864 tokens, and the engine starts with 8192") !=
          std::string::npos);
    CHECK_FALSE(each.reason.sources.empty());
  }
  CHECK(std::any_of(advice.unset.begin(), advice.unset.end(),
                    [](const Unset& each) { return each.name == "VLLM_USE_FLASHINFER_MOE_FP16"; }));
}

TEST_CASE("advise: every setting, argument and notice has a reason and a source") {
  for (const profile::ModelFacts& model : shipped_models().models) {
    for (const char* version : {"0.11.0", "0.12.0", "0.16.0", "0.19.1", "0.23.0", "0.27.1"}) {
      CAPTURE(model.id);
      CAPTURE(version);
      const Advice advice = advice_for(model.id, with(version));
      const auto is_told = [](const Reason& reason) {
        return !reason.rule.empty() && !reason.text.empty() && !reason.sources.empty() &&
               !reason.confidence.empty() && reason.text.find('{') == std::string::npos;
      };
      for (const Setting& each : advice.settings) CHECK(is_told(each.reason));
      for (const Argument& each : advice.arguments) CHECK(is_told(each.reason));
      for (const Notice& each : advice.notices) CHECK(is_told(each.reason));
      CHECK_FALSE(advice.is_blocked());
    }
  }
}

TEST_CASE("advise: a layout that block FP8 cannot have is blocked, with the layouts that work") {
  const auto working = [](const Advice& advice) {
    std::string all;
    for (const profile::Layout& each : advice.working) all += (all.empty() ? "" : ", ") + to_text(each);
    return all;
  };
  const Advice large = advice_for("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", with("0.11.0", 8));
  REQUIRE(large.is_blocked());
  CHECK(large.notices.front().text.find("1536 / 8 = 192") != std::string::npos);
  CHECK(working(large) == "TP2, TP4, TP2 EP, TP4 EP, TP8 EP, TP1 DP8 EP");

  const Advice small = advice_for("Qwen/Qwen3-30B-A3B-FP8", with("0.11.0", 4));
  REQUIRE(small.is_blocked());
  CHECK(working(small) == "TP1, TP2, TP2 EP, TP4 EP, TP8 EP, TP1 DP8 EP");
  CHECK(advice_for("Qwen/Qwen3-30B-A3B-FP8", with("0.11.0", 8)).is_blocked());

  const Advice coder = advice_for("Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", with("0.11.0", 8));
  REQUIRE(coder.is_blocked());
  CHECK(working(coder) == "TP4, TP4 EP, TP8 EP, TP1 DP8 EP");

  Wish next = with("0.11.0", 8);
  next.ep = true;  // does not help: the shared expert is split all the same
  CHECK(advice_for("Qwen/Qwen3-Next-80B-A3B-Instruct-FP8", next).is_blocked());
  CHECK_FALSE(advice_for("Qwen/Qwen3-Next-80B-A3B-Instruct", next).is_blocked());
}

TEST_CASE("advise: heads that do not divide, and a model that does not fit, are blocked") {
  CHECK(advice_for("ibm-granite/granite-docling-258M", with("0.11.0", 2)).is_blocked());
  CHECK_FALSE(advice_for("ibm-granite/granite-docling-258M", with("0.11.0", 3)).is_blocked());
  const Advice kimi = advice_for("moonshotai/Kimi-K2-Instruct-0905", with("0.12.0", 4));
  REQUIRE(kimi.is_blocked());
  CHECK(kimi.notices.front().reason.rule == "memory-fit");
  Wish few = with("0.11.0");
  few.node.gpus = 4;
  CHECK(advice_for("zai-org/GLM-4.6", few).is_blocked());
  CHECK(advice_for("openai/gpt-oss-120b", with("0.11.0", 16)).notices.front().reason.rule == "gpus-suffice");
}

TEST_CASE("advise: MLA takes AITER only with 16 or 128 heads per rank") {
  const Advice tp4 = advice_for("deepseek-ai/DeepSeek-R1-0528", with("0.11.0", 4));
  CHECK(value_of(tp4, "VLLM_ROCM_USE_AITER_MLA") == "0");
  CHECK(std::none_of(tp4.arguments.begin(), tp4.arguments.end(),
                     [](const Argument& each) { return each.text == "--block-size 1"; }));
  Wish kimi = with("0.11.0", 8);
  kimi.set["VLLM_ROCM_USE_AITER"] = "1";  // against the advice
  const Advice forced = advice_for("moonshotai/Kimi-K2-Instruct-0905", kimi);
  CHECK(value_of(forced, "VLLM_ROCM_USE_AITER_MLA") == "0");
  CHECK(value_of(forced, "VLLM_ROCM_USE_AITER_MOE") == "0");
  CHECK(value_of(forced, "VLLM_ROCM_USE_AITER") == "1");
}

TEST_CASE("advise: the AITER that the image names goes before what its version brings along") {
  Wish wish = with("0.11.0", 8);
  wish.engine.aiter = "v0.1.12.post2";
  CHECK(value_of(advice_for("zai-org/GLM-4.6", wish), "VLLM_ROCM_USE_AITER_MOE") == "unset");
  wish.engine.aiter = "6af8b687abcdef";  // takes 64448 tokens, but has no experts of width 192
  const Advice advice = advice_for("zai-org/GLM-4.6", wish);
  CHECK(value_of(advice, "VLLM_ROCM_USE_AITER_MOE") == "0");
  CHECK(advice.settings.back().reason.rule == "aiter-bf16-expert-width");
  wish.engine.aiter = "0123abcd";
  CHECK_FALSE(advise(shipped_model("zai-org/GLM-4.6"), shipped_models().rules, wish));
}

TEST_CASE("advise: a variable that the version lacks is renamed, becomes an argument, or is left out") {
  Wish wish = with("0.23.0", 8);
  wish.set = {{"VLLM_USE_AITER_UNIFIED_ATTENTION", "1"},
              {"VLLM_ATTENTION_BACKEND", "TRITON_ATTN"},
              {"VLLM_USE_V1", "1"}};
  const Advice advice = advice_for("zai-org/GLM-4.6", wish);
  CHECK(value_of(advice, "VLLM_ROCM_USE_AITER_UNIFIED_ATTENTION") == "1");
  CHECK(value_of(advice, "VLLM_ATTENTION_BACKEND") == "unset");
  CHECK(value_of(advice, "VLLM_USE_V1") == "unset");
  CHECK(std::any_of(advice.arguments.begin(), advice.arguments.end(),
                    [](const Argument& each) { return each.text == "--attention-backend TRITON_ATTN"; }));
  CHECK(advice.dropped.size() >= 3);
  CHECK(value_of(advice_for("Qwen/Qwen3-VL-235B-A22B-Thinking", with("0.13.0")),
                 "VLLM_ROCM_SHUFFLE_KV_CACHE_LAYOUT") == "unset");
}

TEST_CASE("advise: a directory for AITER's kernels that several images share is taken away") {
  for (const char* version : {"0.11.0", "0.23.0"}) {
    const Advice advice = advice_for("zai-org/GLM-4.6", with(version, 8));
    for (const char* name : {"AITER_JIT_DIR", "JIT_WORKSPACE_DIR"}) {
      CHECK(std::any_of(advice.unset.begin(), advice.unset.end(),
                        [&](const Unset& each) { return each.name == name; }));
    }
  }
}

TEST_CASE("advise: what the layout needs stands among the arguments") {
  const auto has = [](const Advice& advice, std::string_view argument) {
    return std::any_of(advice.arguments.begin(), advice.arguments.end(),
                       [&](const Argument& each) { return each.text == argument; });
  };
  const Advice deepseek = advice_for("deepseek-ai/DeepSeek-R1-0528", with("0.23.0"));
  CHECK(has(deepseek, "--tensor-parallel-size 8"));
  CHECK(has(deepseek, "--enable-expert-parallel"));
  const Advice coder = advice_for("Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", with("0.23.0"));
  CHECK(has(coder, "--data-parallel-size 8"));
  const Advice old = advice_for("Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", with("0.5.10", {}, "sglang"));
  CHECK(has(old, "--ep-size 2"));  // the rule's, not the default of as many as ranks
}

TEST_CASE("advise: SGLang gets its own names") {
  const Advice gpt = advice_for("openai/gpt-oss-120b", with("0.5.18", {}, "sglang"));
  CHECK(value_of(gpt, "SGLANG_USE_AITER") == "0");
  CHECK(gpt.arguments.front().text == "--tp 1");
  const Advice glm = advice_for("zai-org/GLM-4.6", with("0.5.3", 8, "sglang"));
  CHECK(value_of(glm, "SGLANG_USE_AITER") == "0");
  CHECK(value_of(advice_for("zai-org/GLM-4.6", with("0.5.6", 8, "sglang")), "SGLANG_USE_AITER") == "unset");
}

TEST_CASE("advise: an engine or a version of which nothing is known is refused with what is known") {
  const auto refused = [](const Wish& wish) {
    const auto advice = advise(shipped_model("zai-org/GLM-4.6"), shipped_models().rules, wish);
    REQUIRE_FALSE(advice);
    return to_text(advice.error());
  };
  CHECK(refused(with("0.10.1")).find(">=0.11.0,<0.11.1") != std::string::npos);
  CHECK(refused(with("1.0", {}, "tgi")).find("vllm and sglang") != std::string::npos);
  CHECK(refused(with("newest")).find("as a version") != std::string::npos);
}
