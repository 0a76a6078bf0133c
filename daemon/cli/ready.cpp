// fettle ready: can this node serve a model now. Yes or no with the first thing that is missing and all
// others.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/advice_text.h"
#include "cli/commands.h"
#include "cli/model_choice.h"
#include "cli/words.h"
#include "facts/facts.h"
#include "facts/gpu_memory.h"
#include "models/budget.h"
#include "shelf/report.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

// The plugin order of monitoring systems.
int code_of(Status status) {
  switch (status) {
    case Status::pass:
    case Status::not_applicable:
      return 0;
    case Status::warn:
      return 1;
    case Status::fail:
      return 2;
    case Status::unknown:
      return 3;
  }
  return 3;
}

// The profile's GPUs among all that PCI shows.
Finding gpus_are_there(const Knowledge& knowledge, const facts::Facts& facts, const models::Advice& advice) {
  const unsigned needed = advice.layout.tp * advice.layout.dp;
  if (!facts.gpus_on_pci) return unknown(facts.gpus_on_pci.error());
  unsigned count = 0;
  for (const facts::Gpu& gpu : *facts.gpus_on_pci) {
    const auto& known = knowledge.profile->gpu_models;
    count += std::any_of(known.begin(), known.end(),
                         [&](const profile::GpuModel& each) { return each.pci_device == gpu.pci_device; })
                 ? 1
                 : 0;
  }
  const std::string says = count_of(count, "GPU") + " on this node, " + models::to_text(advice.layout) +
                           " takes " + std::to_string(needed);
  if (count < needed)
    return {Status::fail, says, "`fettle check` tells which GPU is missing; or take fewer with --tp"};
  return {Status::pass, says, {}};
}

// A GPU that somebody serves from has more than this in use; a driver alone takes some hundred MB.
constexpr Bytes idle_memory = 2_GiB;

Finding gpus_are_free(const Result<std::vector<facts::GpuMemory>>& memory, const models::Advice& advice) {
  const unsigned needed = advice.layout.tp * advice.layout.dp;
  if (!memory) return unknown(memory.error());
  if (memory->empty()) {
    return {Status::unknown, "the driver shows no GPU memory below /sys/class/drm", "is amdgpu loaded?"};
  }
  unsigned free = 0;
  std::string busy;
  for (const facts::GpuMemory& each : *memory) {
    if (each.used <= idle_memory) {
      ++free;
    } else {
      busy += (busy.empty() ? "" : ", ") + each.card + " " + to_text(each.used);
    }
  }
  const std::string says = count_of(free, "GPU") + " of " + std::to_string(memory->size()) + " free, " +
                           std::to_string(needed) + " needed" + (busy.empty() ? "" : "; in use: " + busy);
  if (free >= needed) return {Status::pass, says, {}};
  return {Status::fail, says, "stop what uses them; `amd-smi process` lists it"};
}

// Every shelf that has the repository: one where it is whole is enough.
Finding model_is_staged(const Context& context, const Knowledge& knowledge, const ChosenModel& model) {
  const shelf::Reports reports = shelf::read_reports(context.system.files, *knowledge.profile);
  Finding worst_of_shelves{Status::fail, "", ""};
  for (const auto& [name, result] : reports) {
    const auto wanted =
        std::find_if(knowledge.profile->shelves.begin(), knowledge.profile->shelves.end(),
                     [&name = name](const profile::Shelf& each) { return each.name == name; });
    if (wanted == knowledge.profile->shelves.end()) continue;
    const bool is_on_it =
        std::any_of(wanted->repositories.begin(), wanted->repositories.end(),
                    [&](const profile::Repository& each) { return each.id == model.facts.id; });
    if (!is_on_it) continue;
    const std::string stage =
        "`fettle stage " + name + "` fetches it, `fettle shelf show " + name + "` tells how far it is";
    if (!result) {
      worst_of_shelves = {result.error().why == Why::missing ? Status::fail : Status::unknown,
                          result.error().why == Why::missing
                              ? "the shelf '" + name + "' has not reported since the boot"
                              : result.error().said,
                          stage};
      continue;
    }
    for (const shelf::RepositoryReport& each : result->repositories) {
      if (each.id != model.facts.id) continue;
      const std::string says = std::string("the shelf '") + name + "' has it " +
                               std::string(shelf::to_text(each.state)) + ", " + to_text(each.verified.bytes) +
                               " of " + to_text(each.total.bytes) + " verified";
      if (each.state == shelf::State::ready) return {Status::pass, says, {}};
      worst_of_shelves = {Status::fail, says, stage};
    }
  }
  if (!worst_of_shelves.says.empty()) return worst_of_shelves;
  if (!model.snapshot.empty()) {
    return {Status::warn, "its files are in the cache, but no shelf has verified them: " + model.snapshot,
            "put it on a shelf: `fettle profile show` lists them"};
  }
  return {Status::fail, "it is not staged, and no shelf of this node has it",
          "put it on a shelf in " + std::string("/etc/fettle/profiles/shelves") + " and run `fettle stage`"};
}

Finding memory_is_enough(const profile::ModelFacts& model, const models::Budget& budget) {
  const std::string per_gpu =
      to_text(budget.weights) + " of weights in " + to_text(budget.usable) + " of each GPU";
  if (budget.left.count == 0) {
    return {Status::fail, per_gpu + ": nothing is left for the KV cache", "more ranks: --tp"};
  }
  if (budget.kv_per_token.count == 0) return {Status::pass, per_gpu, {}};
  const std::string says = per_gpu + ", " + to_text(budget.kv_per_token) + " of KV cache a token: about " +
                           std::to_string(budget.tokens) + " tokens fit";
  if (budget.tokens < 1024) return {Status::fail, says, "more ranks: --tp"};
  if (model.context > 0 && budget.tokens < model.context) {
    return {Status::warn, says + ", less than its context of " + std::to_string(model.context),
            "--max-model-len " + std::to_string(budget.tokens / 1024 * 1024) +
                ", more ranks, or --kv-cache-dtype fp8"};
  }
  return {Status::pass, says, {}};
}

Finding layout_works(const models::Advice& advice) {
  if (!advice.served_by.empty()) {
    return {Status::fail, "it is served by " + advice.served_by,
            advice.notices.empty() ? "" : advice.notices.front().text};
  }
  if (!advice.is_blocked()) {
    return {Status::pass, models::to_text(advice.layout) + ", chosen by " + advice.layout_from, {}};
  }
  std::string working;
  for (const profile::Layout& each : advice.working)
    working += (working.empty() ? "" : ", ") + models::to_text(each);
  return {Status::fail, models::to_text(advice.layout) + " cannot work: " + advice.notices.front().text,
          working.empty() ? "no layout of this node works" : "these work: " + working};
}

json::value to_json(const models::Budget& budget) {
  return {{"gpu_bytes", budget.gpu.count},
          {"usable_bytes", budget.usable.count},
          {"weight_bytes_per_gpu", budget.weights.count},
          {"kv_bytes_per_token_per_gpu", budget.kv_per_token.count},
          {"window_bytes_per_sequence_per_gpu", budget.window_per_sequence.count},
          {"tokens", budget.tokens}};
}

int answer(Context& context, const ChosenModel& model, const models::Wish& wish, const models::Advice& advice,
           const models::Budget& budget, const Findings& findings) {
  // What is missing for sure goes before what could not be looked at.
  const auto has = [&](Status status) {
    return std::any_of(findings.begin(), findings.end(),
                       [&](const NamedFinding& each) { return each.finding.status == status; });
  };
  const Status verdict = has(Status::fail)      ? Status::fail
                         : has(Status::unknown) ? Status::unknown
                         : has(Status::warn)    ? Status::warn
                                                : Status::pass;
  const auto first = std::find_if(findings.begin(), findings.end(),
                                  [&](const NamedFinding& each) { return each.finding.status == verdict; });
  if (context.format == Format::json) {
    json::array checks;
    for (const NamedFinding& each : findings) {
      checks.emplace_back(json::object{{"id", each.id},
                                       {"title", each.title},
                                       {"status", to_text(each.finding.status)},
                                       {"says", each.finding.says},
                                       {"hint", each.finding.hint}});
    }
    json::object page{{"api", 1},
                      {"model", model.facts.id},
                      {"status", to_text(verdict)},
                      {"from", model.from},
                      {"engine", wish.engine.name},
                      {"version", wish.engine.version},
                      {"layout", models::to_text(advice.layout)}};
    page["first"] = verdict == Status::pass ? std::string() : first->finding.says;
    page["checks"] = std::move(checks);
    page["budget"] = to_json(budget);
    context.out << pretty_json(page);
    return code_of(verdict);
  }
  const std::string who = model.facts.id + " with " + wish.engine.name + " " + wish.engine.version;
  if (verdict == Status::pass) {
    context.out << "yes: this node can serve " << who << " now\n";
  } else {
    context.out << (verdict == Status::fail   ? "no"
                    : verdict == Status::warn ? "yes, but"
                                              : "unknown")
                << ": " << who << ": " << first->finding.says << '\n';
  }
  for (const NamedFinding& each : findings) {
    const std::string status(to_text(each.finding.status));
    context.out << "  " << status << std::string(9 - std::min<std::size_t>(8, status.size()), ' ')
                << each.title << ": " << each.finding.says << '\n';
    if (!each.finding.hint.empty()) context.out << "           " << each.finding.hint << '\n';
  }
  if (verdict == Status::pass || verdict == Status::warn) {
    context.out << "`fettle run-line " << model.facts.id << "` prints the command\n";
  }
  return code_of(verdict);
}

}  // namespace

int run_ready(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle ready",
      "Can this node serve a model now. Exit code: 0 yes, 1 yes with a warning, 2 no, 3 could not look.");
  ModelOptions options;
  words.option("MODEL", options.model, "OWNER/NAME").required();
  add_engine_options(words, options);
  if (const auto code = words.read(context, arguments)) return *code;
  constexpr int could_not_look = 3;
  const auto knowledge = load_knowledge(context);
  if (!knowledge) return report(context, knowledge.error(), could_not_look);
  if (!knowledge->profile) return report(context, knowledge->profile_error, could_not_look);
  const auto model = find_model(context, *knowledge, options.model);
  if (!model) return report(context, model.error(), could_not_look);
  auto wish = wish_of(context, *knowledge, options);
  if (!wish) return report(context, wish.error(), usage);
  const auto memory = facts::read_gpu_memory(context.system.files);
  // The smallest GPU decides: weights are split evenly.
  if (memory && !memory->empty()) {
    const auto smallest = std::min_element(memory->begin(), memory->end(),
                                           [](const auto& a, const auto& b) { return a.total < b.total; });
    if (smallest->total > Bytes{}) wish->node.gpu_memory = smallest->total;
  }
  const auto advice = models::advise(model->facts, knowledge->tables.rules, *wish);
  if (!advice) return report(context, advice.error(), could_not_look);
  const models::Budget budget = models::budget_of(model->facts, *advice, *wish);
  const facts::Facts facts = facts::gather(context.system.files);
  const auto now = context.system.clock.now();
  Findings findings;
  findings.push_back({"ready.layout", "layout", layout_works(*advice), now});
  if (advice->served_by.empty()) {
    findings.push_back({"ready.memory", "memory", memory_is_enough(model->facts, budget), now});
    findings.push_back({"ready.gpus", "GPUs", gpus_are_there(*knowledge, facts, *advice), now});
    findings.push_back({"ready.free", "free GPUs", gpus_are_free(memory, *advice), now});
  }
  findings.push_back({"ready.staged", "files", model_is_staged(context, *knowledge, *model), now});
  return answer(context, *model, *wish, *advice, budget, findings);
}

}  // namespace fettle::cli
