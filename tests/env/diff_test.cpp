#include "env/diff.h"

#include <doctest/doctest.h>

#include "support/fakes.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::env;
using fettle::test::Tree;

namespace {

const std::string process = std::string("PATH=/bin\0HF_TOKEN=hf_secret\0A=1\0A=2\0B=x=y\0BROKEN\0", 50);

std::string differences(const std::vector<Compared>& rows) {
  std::string all;
  for (const Compared& each : rows)
    all += (all.empty() ? "" : ", ") + each.name + " " + std::string(to_text(each.difference));
  return all;
}

}  // namespace

TEST_CASE("env diff: a process is told by its number and name, and where it runs") {
  Tree tree;
  tree.file("/proc/77/environ", process).file("/proc/77/comm", "python3\n");
  tree.file("/proc/77/cgroup", "0::/system.slice/docker-0123.scope\n");
  const auto running = of_process(tree.files(), 77);
  REQUIRE_MESSAGE(running, running.error().said);
  CHECK(running->who == "process 77 (python3)");
  CHECK(running->where == Scope::container);
  CHECK(*running->environment.find("A") == "1");
  const Error gone = of_process(tree.files(), 1).error();
  CHECK(gone.why == Why::missing);
  CHECK(gone.hint == "is it still running?");
}

TEST_CASE("env diff: a container is asked of docker, else of podman, in their machine format") {
  Tree tree;
  test::FakeRunner runner;
  test::FakeClock clock;
  const system::System system{tree.files(), runner, clock};
  CHECK(of_container(system, "glm").error().said.find("neither docker nor podman") != std::string::npos);
  for (const char* const bad : {"", "-v", "a b", "../x", "a;b"})
    CHECK(of_container(system, bad).error().why == Why::malformed);
  tree.file("/usr/bin/docker").file("/usr/bin/podman");
  runner.expect("/usr/bin/docker container inspect", system::Completed{1, "", "No such container: glm"});
  runner.expect(
      "/usr/bin/podman container inspect",
      system::Completed{0, R"({"Image": "vllm/vllm-openai-rocm:v0.23.0", "Env": ["A=1", 7, "B="]})", ""});
  const auto running = of_container(system, "glm");
  REQUIRE_MESSAGE(running, running.error().said);
  CHECK(running->image == "vllm/vllm-openai-rocm:v0.23.0");
  CHECK(running->where == Scope::container);
  CHECK(running->environment.variables.size() == 2);
  CHECK(*running->environment.find("B") == "");
  CHECK(runner.ran[0].argv == std::vector<std::string>{"/usr/bin/docker", "container", "inspect", "--format",
                                                       "{{json .Config}}", "glm"});
  runner.expect("/usr/bin/docker", system::Completed{1, "", "No such container: glm"});
  runner.expect("/usr/bin/podman", system::Completed{125, "", "no such container glm"});
  CHECK(of_container(system, "glm").error().said ==
        "cannot look into the container 'glm': no such container glm");
  runner.expect("/usr/bin/docker", system::Completed{0, "{", ""});
  CHECK(of_container(system, "glm").error().why == Why::malformed);
}

TEST_CASE(
    "env diff: what is missing, other, or known to be harmful is told with its reason, and nothing else") {
  profile::Profile profile;
  profile.cache.emplace().path = "/srv/fettle";
  profile.not_set = {{"ONLINE_TUNE", "1", "slow", "s"}, {"ANY", "", "useless", "s"}, {"A", "", "never", "s"}};
  profile.caches.push_back(
      {"aiter", {"AITER_JIT_DIR"}, 0755, {}, {}, {}, "kernels", profile::Compiled::by_image});
  const std::vector<Variable> wanted{{"A", "1", Scope::all, "a reason", "s"},
                                     {"B", "2", Scope::all, "b reason", "s"},
                                     {"C", "3", Scope::all, "c reason", "s"}};
  Running running;
  running.environment.variables = {
      {"A", "1"},           {"B", "other"}, {"HF_TOKEN", "hf_secret"},
      {"ONLINE_TUNE", "1"}, {"ANY", ""},    {"AITER_JIT_DIR", "/srv/fettle/aiter"}};
  const auto rows = compare(running, wanted, unwanted(profile));
  CHECK(differences(rows) ==
        "A same, B other, C missing, ONLINE_TUNE unwanted, ANY unwanted, AITER_JIT_DIR unwanted");
  CHECK(rows[1].has == "other");
  CHECK(rows[1].wants == "2");
  CHECK(rows[3].why == "slow");
  CHECK(rows[5].why == "one directory for all images: kernels");
  // A place of the image's own is right, another value of the variable is nobody's business.
  running.environment.variables = {{"A", "1"},
                                   {"B", "2"},
                                   {"C", "3"},
                                   {"ONLINE_TUNE", "0"},
                                   {"AITER_JIT_DIR", "/srv/fettle/aiter/aaaaaaaaaaaaaaaa-gfx942"}};
  CHECK(differences(compare(running, wanted, unwanted(profile))) == "A same, B same, C same");
}
