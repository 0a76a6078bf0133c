// Any text is a table of rules that gives advice for every model, or has complaints; what is sound for the
// reader can be evaluated. Seeds: profiles/models, dictionary: model_rules.dict.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "models/advise.h"
#include "models/budget.h"
#include "profile/documents.h"
#include "profile/yaml.h"

using namespace fettle;

namespace {

profile::ModelFacts model_of(std::uint64_t experts, std::uint64_t heads, std::string_view quant) {
  profile::ModelFacts facts;
  facts.id = "owner/name";
  facts.kind = "transformers";
  facts.model_type = "glm4_moe";
  facts.quant = quant;
  facts.router = "biased-grouped";
  facts.size = 300_GiB;
  facts.layers = 92;
  facts.heads = heads;
  facts.kv_heads = 8;
  facts.hidden = 5120;
  facts.head_dim = 128;
  facts.num_experts = experts;
  facts.expert_groups = experts == 0 ? 0 : 1;
  facts.expert_width = 1536;
  return facts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const profile::Parsed parsed = profile::parse(text, "rules.yaml");
  if (!parsed.complaints.empty()) return 0;
  profile::Reading reading("rules.yaml");
  profile::ModelRules rules;
  profile::read_model_rules(reading, parsed.root, rules);
  const auto complaints = reading.take();
  for (const profile::Complaint& complaint : complaints) {
    if (complaint.what.empty() || complaint.line < 0) std::abort();
  }
  if (!complaints.empty()) return 0;
  for (const profile::ModelFacts& model :
       {model_of(160, 96, "none"), model_of(0, 9, "fp8-block"), model_of(256, 128, "mxfp4")}) {
    for (const char* const engine : {"vllm", "sglang"}) {
      for (const char* const version : {"0.11.0", "0.23.0", "0.5.10"}) {
        models::Wish wish;
        wish.engine = {engine, version, {}, {}};
        const auto advice = models::advise(model, rules, wish);
        if (!advice && advice.error().said.empty()) std::abort();
        if (advice) (void)models::budget_of(model, *advice, wish);
      }
    }
  }
  return 0;
}
