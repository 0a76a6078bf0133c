// env --model, models, ready and run-line on a captured node.
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "base/json.h"
#include "cli/commands.h"
#include "jit/manifest.h"
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

TEST_CASE("run-line: an image whose compiled code is kept is run by its digest, and finds it") {
  Machine machine;
  const std::string digest = "sha256:" + std::string(64, 'a');
  const std::string place = "/srv/fettle/aiter/" + std::string(16, 'a') + "-gfx942";
  machine.tree.file(
      place + "/.fettle-jit.json",
      jit::to_json({"aiter", "gfx942", digest, "vllm/vllm-openai-rocm:v0.23.0", "", "", 0, {}}));
  CHECK(machine.run(&run_run_line, {"zai-org/GLM-4.6"}) == ok);
  const std::string line = machine.out.str();
  CHECK(line.find("\n  vllm/vllm-openai-rocm:v0.23.0@" + digest + " \\\n") != std::string::npos);
  CHECK(line.find("\n  --env AITER_JIT_DIR=" + place + " \\\n") != std::string::npos);
  CHECK(line.find("# leave unset: JIT_WORKSPACE_DIR") != std::string::npos);
  CHECK(machine.run(&run_env, {"--model", "zai-org/GLM-4.6", "--format", "docker"}) == ok);
  CHECK(machine.out.str().find("\nAITER_JIT_DIR=" + place + "\n") != std::string::npos);
  // Another image has none: its own kernels must not be hidden.
  CHECK(machine.run(&run_run_line, {"zai-org/GLM-4.6", "--engine", "vllm=0.24.0"}) == ok);
  CHECK(machine.out.str().find("--env AITER_JIT_DIR") == std::string::npos);
}

TEST_CASE("jit: the commands on a node, for people and for programs") {
  Machine machine;
  CHECK(machine.run(&run_jit, {"list"}) == ok);
  CHECK(machine.out.str() == "no compiled code is kept on this node yet\n");
  machine.tree.file("/srv/fettle/triton/HASH/kernel.hsaco", "12345");
  machine.tree.file("/srv/fettle/aiter/old/module.so", "1").file("/srv/fettle/aiter/old/lock_module", "");
  CHECK(machine.run(&run_jit, {"list"}) == ok);
  CHECK(machine.out.str().find("aiter/old") == 0);
  CHECK(machine.out.str().find("1 lock that nobody holds") != std::string::npos);
  CHECK(machine.run(&run_jit, {"list"}, Format::json) == ok);
  CHECK(machine.out.str().find("\"name\": \"triton\"") != std::string::npos);
  CHECK(machine.run(&run_jit, {"export", "triton", "--to", "/t.tar.zst"}) == ok);
  CHECK(machine.out.str() == "wrote '/t.tar.zst': 1 file, 5 B, for gfx942\n");
  machine.tree.remove("/srv/fettle/triton/HASH");
  CHECK(machine.run(&run_jit, {"import", "/t.tar.zst"}) == ok);
  CHECK(machine.out.str() == "imported into '/srv/fettle/triton': 1 new\n");
  CHECK(machine.tree.read("/srv/fettle/triton/HASH/kernel.hsaco") == "12345");
  CHECK(machine.run(&run_jit, {"prune"}) == ok);
  CHECK(machine.out.str().find("would remove /srv/fettle/aiter/old/lock_module") == 0);
  CHECK(*machine.tree.files().exists("/srv/fettle/aiter/old/lock_module"));
  CHECK(machine.run(&run_jit, {"prune", "--apply"}) == ok);
  CHECK_FALSE(*machine.tree.files().exists("/srv/fettle/aiter/old/lock_module"));
  CHECK(*machine.tree.files().exists("/srv/fettle/aiter/old/module.so"));
  CHECK(machine.run(&run_jit, {"prune", "aiter/old", "--apply"}) == ok);
  CHECK_FALSE(*machine.tree.files().exists("/srv/fettle/aiter/old"));
  CHECK(machine.run(&run_jit, {"export", "aiter/old", "--to", "/o.tar"}) == failed);
  CHECK(machine.run(&run_jit, {"import", "/t.tar.zst", "--image", "latest"}) == usage);
  CHECK(machine.run(&run_jit, {"import", "/nothing.tar"}) == failed);
  CHECK(machine.run(&run_jit, {"seed", "--privileged"}) == usage);
  CHECK(machine.run(&run_jit, {"seed", "vllm/vllm-openai-rocm:v0.23.0"}) == failed);
  CHECK(machine.err.str().find("neither docker nor podman") != std::string::npos);
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

TEST_CASE("ready: each exit code of a plugin has its reason, and what is missing for sure goes first") {
  Machine machine;
  // 1: it lies here, on no shelf; nobody has verified it.
  machine.stage("models--me--tiny", tiny_config);
  CHECK(machine.run(&run_ready, {"me/tiny"}) == 1);
  CHECK_MESSAGE(
      machine.out.str().find("yes, but: me/tiny with vllm 0.23.0: its files are in the cache, but no shelf "
                             "has verified them") == 0,
      machine.out.str());
  CHECK(machine.out.str().find("`fettle run-line me/tiny` prints the command") != std::string::npos);
  CHECK(machine.run(&run_ready, {"me/tiny"}, Format::json) == 1);
  CHECK(machine.out.str().find("\"status\": \"warn\"") != std::string::npos);

  // 3: whether GPUs are free could not be looked at.
  machine.tree.remove("/sys/class/drm");
  CHECK(machine.run(&run_ready, {"me/tiny"}) == 3);
  CHECK(machine.out.str().find("unknown: me/tiny with vllm 0.23.0: the driver shows no GPU memory") == 0);

  // 2: a layout that cannot work is known for sure; the rest is told all the same.
  CHECK(machine.run(&run_ready, {"me/tiny", "--tp", "8"}) == 2);
  const std::string said = machine.out.str();
  CHECK_MESSAGE(said.find("no: me/tiny with vllm 0.23.0: TP8 cannot work: ") == 0, said);
  CHECK(said.find("  unknown  free GPUs: ") != std::string::npos);
  CHECK(said.find("  warn     files: ") != std::string::npos);

  // 0 is "ready: says yes only for files that a shelf has verified"; a command line nobody understands is
  // none of them.
  CHECK(machine.run(&run_ready, {"me/tiny", "--tp", "none"}) == usage);
}

TEST_CASE("env diff: a process and a container against the profile and against a model") {
  Machine machine;
  CHECK(machine.run(&run_env, {"--format", "docker"}) == ok);
  std::string all = machine.out.str();
  std::string variables;
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != '#') variables += line + std::string(1, '\0');
  }
  machine.tree.file("/proc/77/cgroup", "0::/system.slice/docker-1.scope\n").file("/proc/77/comm", "vllm\n");
  machine.tree.file("/proc/77/environ", variables + "HF_TOKEN=hf_secret" + std::string(1, '\0'));
  CHECK_MESSAGE(machine.run(&run_env, {"diff", "--pid", "77"}) == 0, machine.out.str());
  CHECK(machine.out.str().find("process 77 (vllm): ") == 0);
  CHECK(machine.run(&run_env, {"diff", "--pid", "77", "--model", "zai-org/GLM-4.6"}) == 1);
  CHECK(machine.out.str().find("missing   VLLM_ROCM_USE_AITER, which should be 1\n") != std::string::npos);
  CHECK(machine.out.str().find("hf_secret") == std::string::npos);
  machine.tree.file("/proc/77/environ", variables + "AITER_ONLINE_TUNE=1" + std::string(1, '\0'));
  CHECK(machine.run(&run_env, {"diff", "--pid", "77"}) == 2);
  CHECK(machine.out.str().find("unwanted  AITER_ONLINE_TUNE is 1\n    tunes missing shapes") == 0);
  CHECK(machine.run(&run_env, {"diff", "--pid", "78"}) == 3);
  CHECK(machine.run(&run_env, {"diff"}) == usage);
  CHECK(machine.run(&run_env, {"diff", "--pid", "77", "--container", "x"}) == usage);

  // What run-line says, docker has: nothing differs, and the image's name tells the engine.
  CHECK(machine.run(&run_run_line, {"zai-org/GLM-4.6"}, Format::json) == ok);
  const auto line = parse_json(machine.out.str(), "it");
  REQUIRE(line);
  std::string env;
  std::string before;
  for (const auto& word : json_list(*line, "command")) {
    const std::string text(word.get_string());
    if (before == "--env") env += (env.empty() ? "\"" : ", \"") + text + "\"";
    before = text;
  }
  machine.tree.file("/usr/bin/docker");
  machine.runner.expect(
      "/usr/bin/docker container inspect",
      system::Completed{0, R"({"Image": "vllm/vllm-openai-rocm:v0.23.0", "Env": [)" + env + "]}", ""});
  CHECK(machine.run(&run_env, {"diff", "--container", "glm-4.6", "--model", "zai-org/GLM-4.6"}) == 0);
  CHECK(machine.out.str().find("as what zai-org/GLM-4.6 with vllm 0.23.0, TP8") != std::string::npos);
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
