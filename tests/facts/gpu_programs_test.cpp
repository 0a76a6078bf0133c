#include "facts/gpu_programs.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::facts;
using fettle::test::Tree;

namespace {

const std::string in_docker = "0::/system.slice/docker-0123.scope\n";
const std::string environment = std::string("PATH=/bin\0HF_TOKEN=hf_secret\0A=1\0A=2\0B=x=y\0BROKEN\0", 50);
// What setproctitle leaves of it.
const std::string title(64, '\0');

void add_process(Tree& tree, unsigned pid, unsigned parent, const std::string& command,
                 const std::string& variables, const std::string& cgroup = in_docker) {
  const std::string directory = "/proc/" + std::to_string(pid);
  tree.file(directory + "/comm", command.substr(0, 15) + "\n").file(directory + "/cmdline", command + '\0');
  tree.file(directory + "/status", "Name:\tx\nPPid:\t" + std::to_string(parent) + "\n");
  tree.file(directory + "/cgroup", cgroup).file(directory + "/environ", variables);
}

void use_gpu(Tree& tree, unsigned pid) {
  tree.directory("/sys/class/kfd/kfd/proc/" + std::to_string(pid));
}

}  // namespace

TEST_CASE("environment: a process has what it was started with, the first of two values of one name") {
  Tree tree;
  add_process(tree, 77, 1, "python3", environment);
  const auto read = read_environment(tree.files(), 77);
  REQUIRE_MESSAGE(read, read.error().said);
  CHECK(*read->find("A") == "1");
  CHECK(*read->find("B") == "x=y");
  CHECK(read->find("BROKEN") == nullptr);
}

TEST_CASE("environment: gone, without one, overwritten and unreadable are errors with their reason") {
  Tree tree;
  add_process(tree, 2, 0, "kthreadd", "");
  add_process(tree, 4, 1, "VLLM::Worker_TP0", title);
  tree.directory("/proc/3/environ");
  CHECK(read_environment(tree.files(), 1).error().why == Why::missing);
  CHECK(read_environment(tree.files(), 2).error().why == Why::missing);
  CHECK_FALSE(read_environment(tree.files(), 3));
  const Error error = read_environment(tree.files(), 4).error();
  CHECK(error.why == Why::refused);
  CHECK(error.said == "cannot tell the environment of process 4: it wrote its title over it");
  // The end of a long one, which may look like a variable behind its first word.
  tree.file("/proc/4/environ", "eduler tp=1" + title);
  CHECK(read_environment(tree.files(), 4).error().why == Why::refused);
}

TEST_CASE("environment: a process knows its parent, its container and its command, in printable letters") {
  Tree tree;
  add_process(tree, 9, 8, "vllm serve \x1b[31m", environment);
  const auto process = read_process(tree.files(), 9);
  REQUIRE(process);
  CHECK(process->parent == 8);
  CHECK(process->where == profile::Scope::container);
  CHECK(process->command == "vllm serve ?[31m");
  tree.file("/proc/9/cgroup", "0::/user.slice/user-0.slice\n").remove("/proc/9/status");
  CHECK(read_process(tree.files(), 9)->where == profile::Scope::host);
  CHECK(read_process(tree.files(), 9)->parent == 0);
  CHECK(read_process(tree.files(), 10).error().why == Why::missing);
}

TEST_CASE("gpu programs: workers that wrote titles over their environments count for the server above") {
  Tree tree;
  add_process(tree, 100, 1, "python3 /usr/local/bin/vllm serve m", environment);
  add_process(tree, 101, 100, "EngineCore_0", title);
  add_process(tree, 102, 101, "Worker_TP0", title);
  add_process(tree, 103, 101, "Worker_TP1", title);
  add_process(tree, 200, 1, "python3 train.py", environment, "0::/user.slice\n");
  for (const unsigned pid : {101U, 102U, 103U, 200U}) use_gpu(tree, pid);
  tree.directory("/sys/class/kfd/kfd/proc/300");    // ended meanwhile
  tree.directory("/sys/class/kfd/kfd/proc/other");  // no process at all
  const auto found = find_gpu_programs(tree.files(), {"A", "C"});
  REQUIRE_MESSAGE(found, found.error().said);
  REQUIRE(found->size() == 2);
  const GpuProgram& server = found->at(0);
  CHECK(server.pid == 100);
  CHECK(server.engine == "vllm");
  CHECK(server.processes == 3);
  CHECK(server.where == profile::Scope::container);
  REQUIRE(server.environment);
  CHECK(server.environment->variables.size() == 1);  // no token, and nothing that nobody asked for
  CHECK(*server.environment->find("A") == "1");
  CHECK(found->at(1).engine.empty());
  CHECK(found->at(1).where == profile::Scope::host);
}

TEST_CASE("gpu programs: the environment of a shell outside of the container is not taken for the engine's") {
  Tree tree;
  add_process(tree, 50, 1, "bash", environment, "0::/user.slice\n");
  add_process(tree, 51, 50, "sglang::scheduler", title);
  use_gpu(tree, 51);
  const auto found = find_gpu_programs(tree.files(), {"A"});
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().pid == 51);
  CHECK(found->front().engine == "sglang");
  CHECK(found->front().environment.error().why == Why::refused);
}

TEST_CASE("gpu programs: without the driver nobody uses a GPU; what cannot be listed is an error") {
  Tree tree;
  CHECK(find_gpu_programs(tree.files(), {"A"})->empty());
  tree.file("/sys/class/kfd/kfd/proc", "no directory");
  CHECK_FALSE(find_gpu_programs(tree.files(), {"A"}));
}

TEST_CASE("gpu programs: what is written is what is read, errors too, and half of it is an error") {
  GpuPrograms all;
  all.stamp = {std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000)),
               std::chrono::seconds(100), std::chrono::seconds(900)};
  all.names = {"A", "B"};
  Environment one;
  one.variables = {{"A", "1"}};
  all.programs = std::vector<GpuProgram>{
      {7, "python3", "vllm", profile::Scope::container, 8, one},
      {8, "x", "", profile::Scope::host, 1, fail(Why::denied, "cannot read", "be root")}};
  const std::string text = pretty_json(to_json(all));
  const auto read = parse_gpu_programs(text);
  REQUIRE_MESSAGE(read, read.error().said);
  CHECK(read->names == all.names);
  REQUIRE(read->programs);
  REQUIRE(read->programs->size() == 2);
  CHECK(read->programs->at(0).engine == "vllm");
  CHECK(read->programs->at(0).processes == 8);
  CHECK(*read->programs->at(0).environment->find("A") == "1");
  CHECK(read->programs->at(1).environment.error().why == Why::denied);
  CHECK(pretty_json(to_json(*read)) == text);
  all.programs = fail(Why::timed_out, "cannot look", "");
  CHECK(parse_gpu_programs(pretty_json(to_json(all)))->programs.error().why == Why::timed_out);

  for (const char* const half : {R"("pid": 7)", R"("in_container": true)", R"("variables": {)"}) {
    std::string broken = text;
    const auto at = broken.find(half);
    REQUIRE(at != std::string::npos);
    broken.replace(at, 4, "\"x");
    const auto result = parse_gpu_programs(broken);
    const bool is_error = !result || !result->programs || !result->programs->front().environment;
    CHECK_MESSAGE(is_error, half);
  }
}
