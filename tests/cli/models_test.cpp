// env --model, models, ready and run-line on a captured node.
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "cli/commands.h"
#include "shelf/report.h"
#include "support/fakes.h"
#include "support/golden.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::cli;
using fettle::test::check_golden;
using fettle::test::Tree;

namespace {

// A node with the package's profiles, whose cache is a directory.
struct Machine {
  Tree tree{"baremetal-spx"};
  test::FakeRunner runner;
  test::FakeClock clock;
  std::ostringstream out, err;

  Machine() {
    tree.directory("/usr/share/fettle");
    std::filesystem::copy(test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
                          std::filesystem::copy_options::recursive);
    tree.file("/etc/fettle/fettle.yaml",
              "schema: 1\nkind: configuration\nprofile: mi300x\ncache:\n  path: /srv/fettle\nshelves: "
              "[frontier]\n");
  }

  int run(Run command, const std::vector<std::string>& arguments, Format format = Format::text) {
    out.str({});
    err.str({});
    Context context{{tree.files(), runner, clock}, format, out, err};
    return command(context, arguments);
  }

  void stage(const std::string& folder, const std::string& config) {
    const std::string commit(40, 'a');
    const std::string top = "/srv/fettle/hf/hub/" + folder;
    tree.file(top + "/refs/main", commit);
    tree.file(top + "/snapshots/" + commit + "/config.json", config);
    tree.file(top + "/snapshots/" + commit + "/model.safetensors", "x");
  }
};

const std::string tiny_config =
    R"({"model_type": "qwen3", "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_size": 64, "max_position_embeddings": 4096})";

}  // namespace

TEST_CASE(
    "env --model: GLM-4.6 with vLLM 0.11.0 at TP8 has AITER on, AITER's experts off, and the text says why") {
  Machine machine;
  CHECK(machine.run(&run_env, {"--model", "zai-org/GLM-4.6", "--engine", "vllm=0.11.0", "--tp", "8"}) == ok);
  check_golden("cli-env-model-glm-4.6.txt", machine.out.str());
  CHECK(machine.run(&run_env, {"--model", "zai-org/GLM-4.6", "--engine", "vllm=0.11.0", "--tp", "8",
                               "--format", "sh"}) == ok);
  const std::string sh = machine.out.str();
  CHECK(sh.find("\nexport VLLM_ROCM_USE_AITER='1'\n") != std::string::npos);
  CHECK(sh.find("\nexport VLLM_ROCM_USE_AITER_MOE='0'\n") != std::string::npos);
  CHECK(sh.find("but got 160") != std::string::npos);
  CHECK(sh.find("\nunset VLLM_USE_FLASHINFER_MOE_FP16\n") != std::string::npos);
  CHECK(machine.run(&run_env,
                    {"--model", "zai-org/GLM-4.6", "--engine", "vllm=0.11.0", "--format", "docker"}) == ok);
  CHECK(machine.out.str().find("\nVLLM_ROCM_USE_AITER_MOE=0\n") != std::string::npos);
}

TEST_CASE("env --model: a blocked layout sets nothing and lists those that work") {
  Machine machine;
  CHECK(machine.run(&run_env, {"--model", "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "--tp", "8", "--format",
                               "sh"}) == failed);
  CHECK(machine.out.str().empty());
  CHECK(machine.err.str().find("TP8 cannot work: each rank's slice of the experts, 1536 / 8 = 192") !=
        std::string::npos);
  CHECK(machine.err.str().find("TP8 EP  (--tp 8 --ep)") != std::string::npos);
}

TEST_CASE("env --model: unknown models and engines are refused with what is known") {
  Machine machine;
  CHECK(machine.run(&run_env, {"--model", "zai-org/GLM-4.7"}) == failed);
  CHECK(machine.err.str().find("alike are: zai-org/GLM-4.5") == std::string::npos);
  CHECK(machine.run(&run_env, {"--model", "../../etc"}) == failed);
  CHECK(machine.err.str().find("that is no name of a repository") != std::string::npos);
  CHECK(machine.run(&run_env, {"--model", "zai-org/GLM-4.6", "--engine", "tgi=1.0"}) == failed);
  CHECK(machine.err.str().find("known are vllm and sglang") != std::string::npos);
  CHECK(machine.run(&run_env, {"--model", "zai-org/GLM-4.6", "--set", "lower=1"}) == usage);
}

TEST_CASE("models: a staged config.json goes before the shipped facts, and a broken one is told") {
  Machine machine;
  machine.stage("models--Qwen--Qwen3-0.6B", tiny_config);
  CHECK(machine.run(&run_models, {"show", "Qwen/Qwen3-0.6B"}) == ok);
  CHECK(machine.out.str().find("from its config.json on this node") != std::string::npos);
  CHECK(machine.out.str().find("context             4096") != std::string::npos);
  CHECK(machine.run(&run_models, {"list"}) == ok);
  CHECK(machine.out.str().find("staged") != std::string::npos);
  machine.stage("models--Qwen--Qwen3-0.6B", "{\"model_type\": 1");
  CHECK(machine.run(&run_models, {"show", "Qwen/Qwen3-0.6B"}) == failed);
  CHECK(machine.err.str().find("it is not JSON") != std::string::npos);
  CHECK(machine.run(&run_models, {"list"}) == ok);
  CHECK(machine.out.str().find("broken") != std::string::npos);
}

TEST_CASE("models: all known ones are listed") {
  Machine machine;
  CHECK(machine.run(&run_models, {"list"}) == ok);
  check_golden("cli-models-list.txt", machine.out.str());
  CHECK(machine.run(&run_models, {"explain", "openai/gpt-oss-120b"}) == ok);
  check_golden("cli-models-explain-gpt-oss-120b.txt", machine.out.str());
}

TEST_CASE("run-line: the docker lines of the three models that the README names") {
  Machine machine;
  for (const char* id : {"zai-org/GLM-4.6", "deepseek-ai/DeepSeek-R1-0528", "openai/gpt-oss-120b"}) {
    CAPTURE(id);
    CHECK(machine.run(&run_run_line, {id, "--engine", "vllm"}) == ok);
    const std::string name = std::string(id).substr(std::string(id).find('/') + 1);
    check_golden("cli-run-line-" + name + ".txt", machine.out.str());
  }
}

TEST_CASE("run-line: every dialect and engine") {
  Machine machine;
  for (const char* format : {"docker", "podman", "compose", "systemd"}) {
    CAPTURE(format);
    CHECK(machine.run(&run_run_line, {"openai/gpt-oss-120b", "--engine", "sglang", "--format", format}) ==
          ok);
    check_golden(std::string("cli-run-line-sglang-") + format + ".txt", machine.out.str());
  }
  CHECK(machine.run(&run_run_line, {"zai-org/GLM-4.6", "--engine", "vllm=0.11.0"}) == failed);
  CHECK(machine.err.str().find("--image REFERENCE") != std::string::npos);
  CHECK(machine.run(&run_run_line,
                    {"zai-org/GLM-4.6", "--image", "rocm/vllm:rocm7.0.0_vllm_0.11.1_20251024"}) == ok);
  CHECK(machine.out.str().find("vllm serve zai-org/GLM-4.6") != std::string::npos);
  CHECK(machine.run(&run_run_line, {"unsloth/GLM-4.6-GGUF"}) == failed);
  CHECK(machine.err.str().find("llama.cpp") != std::string::npos);
  CHECK(machine.run(&run_run_line, {"Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "--tp", "8"}) == failed);
  CHECK(machine.out.str().empty());
}

TEST_CASE("ready: says no with the first missing thing and all others") {
  Machine machine;
  CHECK(machine.run(&run_ready, {"zai-org/GLM-4.6"}) == 2);
  CHECK(machine.out.str().find("no: zai-org/GLM-4.6 with vllm 0.23.0: ") == 0);
  CHECK(machine.out.str().find("the shelf 'frontier' has not reported since the boot") != std::string::npos);
  CHECK(machine.run(&run_ready, {"ibm-granite/granite-docling-258M", "--tp", "2"}) == 2);
  CHECK(machine.out.str().find("TP2 cannot work: 9 attention heads and 3 KV heads") != std::string::npos);
  CHECK(machine.run(&run_ready, {"unsloth/GLM-4.6-GGUF"}) == 2);
  CHECK(machine.run(&run_ready, {"nobody/nothing"}) == 3);
}

TEST_CASE("ready: says yes only for files that a shelf has verified") {
  Machine machine;
  machine.stage("models--Qwen--Qwen3-0.6B", tiny_config);
  CHECK(machine.run(&run_ready, {"Qwen/Qwen3-0.6B"}) == 2);
  shelf::RepositoryReport repository{"Qwen/Qwen3-0.6B", "main",     shelf::State::ready,
                                     {5_KiB, 2},        {5_KiB, 2}, {5_KiB, 2}};
  shelf::Report report;
  report.shelf = "frontier";
  report.state = shelf::State::fetching;  // other models still come
  report.repositories.push_back(repository);
  REQUIRE(shelf::write_report(machine.tree.files(), report));
  CHECK(machine.run(&run_ready, {"Qwen/Qwen3-0.6B"}) == 0);
  CHECK_MESSAGE(machine.out.str().find("yes: ") == 0, machine.out.str());
  machine.tree.file("/sys/class/drm/card1/device/mem_info_vram_used", "150000000000\n");
  CHECK(machine.run(&run_ready, {"Qwen/Qwen3-0.6B"}) == 0);  // seven are free
  report.repositories[0].state = shelf::State::verifying;
  report.repositories[0].verified = {};
  REQUIRE(shelf::write_report(machine.tree.files(), report));
  CHECK(machine.run(&run_ready, {"Qwen/Qwen3-0.6B"}) == 2);
  CHECK(machine.out.str().find("has it verifying, 0 B of 5.0 KiB verified") != std::string::npos);
  report.repositories[0].state = shelf::State::ready;
  REQUIRE(shelf::write_report(machine.tree.files(), report));
  machine.tree.remove("/sys/class/drm");
  CHECK(machine.run(&run_ready, {"Qwen/Qwen3-0.6B"}) == 3);
}
