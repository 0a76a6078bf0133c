// The mistakes that rules of models can have; each is told with its place.
#include <doctest/doctest.h>

#include "profile/load.h"
#include "profile/models.h"

using namespace fettle;
using namespace fettle::profile;

namespace {

// A table whose list `rules` begins in line 15, `facts` in line 13.
std::string table(const std::string& facts, const std::string& rules) {
  return "schema: 1\n"
         "kind: model-rules\n"
         "as_of: 2026-08-22\n"
         "gfx: gfx942\n"
         "compute_units: 304\n"
         "aiter_builds:\n"
         "  - {pin: \"2ab9f4cd\", routing_tokens_per_cu: 16, routing_pow2_check: true, "
         "routing_group32_limit: true, "
         "bf16_width_192: false, token_fp8_odd_width: false, jit_env: AITER_JIT_DIR}\n"
         "engines: [{engine: vllm, versions: \">=0.11\", aiter: \"2ab9f4cd\", max_num_batched_tokens: 8192, "
         "confidence: source, source: x}]\n"
         "variables:\n"
         "  - {name: VLLM_A, engine: vllm, default: \"0\", versions: \"<0.12\"}\n"
         "  - {name: VLLM_B, engine: vllm}\n"
         "facts:\n" +
         facts + "rules:\n" + rules;
}

std::string rule(const std::string& when, const std::string& effect, const std::string& more = "") {
  return "  - id: a-rule" + more + "\n    when: {" + when + "}\n    effect: {" + effect +
         "}\n    reason: r\n    source: [s]\n    confidence: source\n";
}

const std::string fact = "  - {name: per_rank, expr: \"heads / tp\"}\n";

std::string first(const std::string& text) {
  const Complaints complaints = check_text(text, "rules.yaml");
  return complaints.empty() ? std::string() : to_text(complaints.front());
}

void check_says(const std::string& text, const std::string& wanted) {
  const std::string said = first(text);
  CHECK_MESSAGE(said.find(wanted) != std::string::npos, said);
}

}  // namespace

TEST_CASE("model rules: a sound table has no mistakes") {
  CHECK(first(table(fact, rule("engine: [vllm], expr: \"per_rank > 4\"", "env: {VLLM_B: \"1\"}"))).empty());
}

TEST_CASE("model rules: facts that need each other are told with both places") {
  check_says(table("  - {name: one, expr: \"two + 1\"}\n  - {name: two, expr: \"one + 1\"}\n",
                   rule("engine: [vllm]", "args: [\"--x\"]")),
             "rules.yaml:13:24  the fact 'two' is computed only in line 14");
  check_says(table("  - {name: one, expr: \"one + 1\"}\n", rule("engine: [vllm]", "args: [\"--x\"]")),
             "the fact 'one' is computed only in line 13");
  check_says(table("  - {name: tp, expr: \"1 + 1\"}\n", rule("engine: [vllm]", "args: [\"--x\"]")),
             "rules.yaml:13:12  there is a fact 'tp' already");
}

TEST_CASE("model rules: an unknown fact is told with its column and the known ones") {
  check_says(table(fact, rule("expr: \"heds > 4\"", "args: [\"--x\"]")),
             "rules.yaml:16:19  there is no fact 'heds'  layers, ");
  check_says(table(fact, rule("engine: [vllm]", "block: \"got {headz}\"")),
             "'block' has no fact in its braces: 'headz'");
  check_says(table(fact, rule("engine: [vllm]", "block: \"got {heads\"")),
             "'block' has no fact in its braces");
}

TEST_CASE("model rules: a layout cannot depend on what the layout decides") {
  check_says(table(fact, rule("expr: \"per_rank > 4\"", "layout: {tp: 8}")),
             "a layout cannot depend on 'per_rank'");
  check_says(table(fact, rule("expr: \"env.VLLM_B == '1'\"", "layout: {tp: 8}")),
             "a layout cannot depend on 'env.VLLM_B'");
}

TEST_CASE("model rules: effects that contradict each other are told") {
  check_says(table(fact, rule("engine: [vllm]", "env: {VLLM_B: \"1\"}, unset: [VLLM_B]")),
             "'VLLM_B' is set and unset by one effect");
  check_says(table(fact, rule("engine: [vllm]", "args: [\"--x 1\"], forbid_args: [\"--x 1\"]")),
             "'--x 1' is given and forbidden");
  check_says(table(fact, rule("engine: [vllm]", "")), "'effect' is empty");
}

TEST_CASE("model rules: what can never come is told") {
  check_says(table(fact, rule("engine: [vllm], version: \">=0.12\"", "env: {VLLM_A: \"1\"}")),
             "the variable 'VLLM_A' exists in <0.12 only");
  check_says(table(fact, rule("engine: [sglang]", "env: {VLLM_B: \"1\"}")),
             "is one of vllm, which 'when' leaves out");
  check_says(table(fact, rule("engine: [vllm]", "env: {VLLM_C: \"1\"}")), "there is no variable 'VLLM_C'");
  check_says(table(fact, rule("engine: [vllm], version: \">=0.12,<0.11\"", "args: [\"--x\"]")),
             "no version fits it");
  check_says(table(fact, rule("version: \">=0.12\"", "args: [\"--x\"]")), "'version' needs one 'engine'");
  check_says(table(fact, rule("engine: [vllm], version: \">=0.12\"",
                              "cases: [{when: {version: \"<0.12\"}, effect: {args: [\"--x\"]}}]")),
             "this case never comes: its rule is for >=0.12");
  check_says(table(fact, rule("quant: [fp9]", "args: [\"--x\"]")),
             "cannot be 'fp9'  one of: none, fp8-block");
}

TEST_CASE("model rules: a rule must stand after those that set what it looks at") {
  const std::string looks = rule("engine: [vllm], expr: \"env.VLLM_B == '1'\"", "args: [\"--x\"]");
  const std::string sets = rule("engine: [vllm]", "env: {VLLM_B: \"1\"}", "-that-sets");
  CHECK(first(table(fact, sets + looks)).empty());
  check_says(table(fact, looks + sets),
             "this looks at 'VLLM_B', which the rule 'a-rule-that-sets' sets only further down");
}

TEST_CASE("model rules: every rule needs an id of its own, a reason, a source and a confidence") {
  check_says(
      table(fact, rule("engine: [vllm]", "args: [\"--x\"]") + rule("engine: [vllm]", "args: [\"--y\"]")),
      "the rule 'a-rule' stands here a second time");
  check_says(table(fact,
                   "  - id: a\n    when: {engine: [vllm]}\n    effect: {args: [\"--x\"]}\n    reason: r\n    "
                   "source: []\n    confidence: sure\n"),
             "'source' is empty");
  check_says(table(fact,
                   "  - id: a\n    when: {engine: [vllm]}\n    effect: {args: [\"--x\"]}\n    source: [s]\n  "
                   "  confidence: source\n"),
             "the key 'reason' is missing here");
}

TEST_CASE("model rules: a table of models says what is wrong in it") {
  const std::string head = "schema: 1\nkind: models\nmodels:\n";
  const auto check_model = [&](const std::string& row, const std::string& wanted) {
    check_says(head + row, wanted);
  };
  check_model("  - {id: a/b, kind: transformers, size: \"1 GB\", source: s}\n",
              "the key 'model_type' is missing here");
  check_model("  - {id: a/b, kind: gguf, size: 12, source: s}\n", "'size' cannot be '12'");
  check_model("  - {id: a/b, kind: gguf, size: \"1 GB\", source: s, num_experts: -1}\n",
              "'num_experts' cannot be -1");
  check_model(
      "  - {id: a/b, kind: gguf, size: \"1 GB\", source: s}\n  - {id: a/b, kind: gguf, size: \"1 GB\", "
      "source: s}\n",
      "the model 'a/b' stands here a second time");
}
