// Any text is a model's configuration, of which the shipped rules make an advice, or an error with a place in
// it; seeds: tests/models/configs, dictionary: model_config.dict.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "models/advise.h"
#include "models/budget.h"
#include "models/config.h"
#include "models/run_line.h"
#include "profile/load.h"
#include "profile/yaml.h"
#include "system/files.h"

using namespace fettle;

namespace {

const profile::ModelTables& shipped() {
  static const profile::ModelTables tables = [] {
    const auto files = system::Files::open(FETTLE_FUZZ_ROOT);
    if (!files) std::abort();
    auto loaded = profile::load_models(*files);
    if (!loaded.tables) std::abort();
    return std::move(*loaded.tables);
  }();
  return tables;
}

void check_printable(std::string_view text) {
  const auto bad = profile::find_unprintable(text, profile::Lines::allowed);
  if (bad.offset != std::string_view::npos) std::abort();
}

void check_advice(const profile::ModelFacts& facts, const models::Wish& wish) {
  const auto advice = models::advise(facts, shipped().rules, wish);
  if (!advice) std::abort();  // the engine is a known one
  const models::Budget budget = models::budget_of(facts, *advice, wish);
  if (budget.left > budget.usable) std::abort();
  for (const models::Setting& each : advice->settings) {
    if (each.reason.text.empty() || each.reason.sources.empty()) std::abort();
  }
  const models::RunLine line = models::run_line(facts, *advice, wish, nullptr, {});
  for (const models::LineDialect& dialect : models::line_dialects()) check_printable(dialect.write(line));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto facts = models::read_config(text, "config.json", "owner/name", 100_GiB);
  if (!facts) {
    if (facts.error().said.find("'config.json'") == std::string::npos || facts.error().hint.empty())
      std::abort();
    check_printable(facts.error().said);
    return 0;
  }
  for (const profile::NumberFact& fact : profile::number_facts) {
    const std::uint64_t value = (*facts).*(fact.member);
    if (value > fact.most) std::abort();
  }
  for (const char* const version : {"0.11.0", "0.23.0"}) {
    models::Wish wish;
    wish.engine = {"vllm", version, {}, {}};
    check_advice(*facts, wish);
  }
  models::Wish wish;
  wish.engine = {"sglang", "0.5.10", {}, {}};
  wish.tp = 8;
  check_advice(*facts, wish);
  return 0;
}
