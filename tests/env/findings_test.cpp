#include "env/findings.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "env/plan.h"
#include "profile/load.h"
#include "profile/models.h"
#include "support/source.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::env;
using facts::GpuProgram;
using fettle::test::Tree;

namespace {

profile::Profile wanting() {
  profile::Profile profile;
  profile.gpus.emplace().model = "MI300X";
  profile.cache.emplace().path = "/srv/fettle";
  profile.environment = {{"A", "1", Scope::all, "a reason", "s"},
                         {"B", "2", Scope::container, "b reason", "s"}};
  profile.not_set = {{"TUNE", "1", "slow", "s"}};
  return profile;
}

GpuProgram program(unsigned pid, std::string engine, std::vector<std::pair<std::string, std::string>> has) {
  facts::Environment environment;
  environment.variables = std::move(has);
  return {pid, "python3", std::move(engine), Scope::container, 1, std::move(environment)};
}

Finding judged(Result<std::vector<GpuProgram>> programs,
               std::vector<std::string> names = {"A", "B", "TUNE"}) {
  facts::Facts facts;
  facts::GpuPrograms found;
  found.names = std::move(names);
  found.programs = std::move(programs);
  facts.gpu_programs = std::move(found);
  const Findings all = findings(facts, wanting(), {});
  REQUIRE(all.size() == 1);
  CHECK(all.front().id == "env.drift");
  return all.front().finding;
}

const std::vector<std::pair<std::string, std::string>> right{{"A", "1"}, {"B", "2"}};

}  // namespace

TEST_CASE("env drift: an engine that lacks a variable or has another value warns, another program does not") {
  CHECK(judged(std::vector<GpuProgram>{}).status == Status::pass);
  const Finding fine = judged(std::vector{program(7, "vllm", right), program(8, "", {})});
  CHECK(fine.status == Status::pass);
  CHECK(fine.says == "2 programs use GPUs, with the variables of the profile");
  const Finding missing = judged(std::vector{program(7, "vllm", {{"A", "3"}})});
  CHECK(missing.status == Status::warn);
  CHECK(missing.says == "vllm (pid 7): A is not as the profile wants; B is missing");
  CHECK(missing.hint.starts_with("`fettle env diff --pid 7`"));
  CHECK(missing.says.find('3') == std::string::npos);  // values of others are not for everybody
}

TEST_CASE("env drift: what does harm warns in every program, and is named first") {
  const Finding harm = judged(std::vector{program(7, "vllm", {}), program(9, "", {{"TUNE", "1"}})});
  CHECK(harm.status == Status::warn);
  CHECK(harm.says == "python3 (pid 9): TUNE is set and does harm or nothing; and 1 more program");
  CHECK(judged(std::vector{program(9, "", {{"TUNE", "0"}})}).status == Status::pass);
}

TEST_CASE("env drift: what could not be looked at is unknown, never well; drift that was seen counts more") {
  GpuProgram hidden = program(7, "vllm", {});
  hidden.environment = fail(Why::denied, "cannot read it", "be root");
  CHECK(judged(std::vector{hidden}).status == Status::unknown);
  CHECK(judged(std::vector{hidden, program(8, "vllm", {})}).status == Status::warn);
  CHECK(judged(fail(Why::timed_out, "cannot look")).status == Status::unknown);
  CHECK(findings({}, wanting(), {}).front().finding.status == Status::unknown);
  profile::Profile without = wanting();
  without.gpus.reset();
  CHECK(findings({}, without, {}).empty());
}

TEST_CASE("env drift: only variables that were looked for are judged") {
  CHECK(judged(std::vector{program(7, "vllm", {{"TUNE", "1"}})}, {"A"}).says == "vllm (pid 7): A is missing");
}

TEST_CASE("env drift: what the shipped rules set for a model is not held against the program that runs it") {
  Tree tree;
  tree.directory("/usr/share/fettle");
  std::filesystem::copy(test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
                        std::filesystem::copy_options::recursive);
  tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: mi300x\n");
  const profile::Loaded loaded = profile::load(tree.files());
  REQUIRE(loaded.profile);
  const profile::LoadedModels models = profile::load_models(tree.files());
  REQUIRE(models.tables);
  std::vector<std::string> decided;
  for (const profile::EngineVariable& each : models.tables->rules.variables) decided.push_back(each.name);
  const auto names = watched(*loaded.profile, decided);
  const auto has = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  CHECK(has("HF_HOME"));
  CHECK(has("NCCL_MIN_NCHANNELS"));
  CHECK(has("AITER_ONLINE_TUNE"));
  CHECK(has("AITER_JIT_DIR"));  // one directory for all images
  CHECK_FALSE(has("VLLM_ROCM_USE_AITER"));
  CHECK_FALSE(has("JIT_WORKSPACE_DIR"));
}
