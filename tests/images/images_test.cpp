#include <doctest/doctest.h>

#include "images/pull.h"
#include "profile/load.h"
#include "support/fakes.h"
#include "support/tables.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::images;
using namespace std::chrono_literals;
using fettle::test::Tree;
using system::Completed;

namespace {

const std::string digest = "sha256:" + std::string(64, 'a');
const std::string other_digest = "sha256:" + std::string(64, 'b');
const std::string docker = "/usr/bin/docker --host unix:///run/docker.sock";
const std::string podman = "/usr/bin/podman --remote --url unix:///run/podman/podman.sock";
const Completed version{0, R"({"Client":{"Version":"1"},"Server":{"Version":"27.3.1"}})", ""};
const Completed silent{1, R"({"Client":{"Version":"1"},"Server":null})",
                       "warning\nCannot connect to the Docker daemon\n"};
const Completed absent{1, "[]\n", "Error: No such image\n"};

Completed here(const std::string& with_digest = digest) {
  return {0, R"([{"Size": 7000, "RepoDigests": ["docker.io/rocm/vllm@)" + with_digest + "\"]}]", ""};
}

const profile::ImageList pinned{
    "engines", "", {{"docker.io/rocm/vllm", "v1", digest, false, Bytes{5000}, "serves"}}};
const profile::ImageList followed{
    "engines", "", {{"docker.io/rocm/vllm", "main", "", true, Bytes{}, "serves"}}};

struct Machine {
  Tree tree;
  test::FakeRunner runner;
  test::FakeClock clock;
  system::System system{tree.files(), runner, clock};

  explicit Machine(const std::vector<std::string>& programs = {"docker"}) {
    for (const std::string& each : programs) tree.file("/usr/bin/" + each);
  }
  Engine engine() {
    runner.expect(docker + " version", version);
    const auto found = find_engine(system);
    REQUIRE(found);
    return *found;
  }
  Report pulled(const profile::ImageList& list) {
    const Engine found = engine();
    return pull(system, found, list,
                [&](const Report& report) { REQUIRE(write_report(tree.files(), report)); });
  }
};

}  // namespace

TEST_CASE("images: docker is asked first, podman where it does not answer") {
  Machine both(std::vector<std::string>{"docker", "podman"});
  CHECK(both.engine().name == "docker 27.3.1");
  both.runner.expect(docker + " version", silent).expect(podman + " version", version);
  CHECK(find_engine(both.system)->client.front() == "/usr/bin/podman");
  Machine one(std::vector<std::string>{"podman"});
  one.runner.expect(podman + " version", version);
  CHECK(find_engine(one.system)->name == "podman 27.3.1");
}

TEST_CASE("images: without an engine that answers it is said which, and what to do") {
  Machine none(std::vector<std::string>{});
  CHECK(find_engine(none.system).error().said ==
        "cannot pull images: neither docker nor podman is installed");
  Machine down;
  down.runner.expect(docker + " version", silent);
  const auto engine = find_engine(down.system);
  REQUIRE_FALSE(engine);
  CHECK(engine.error().said == "cannot reach docker: Cannot connect to the Docker daemon");
  const Report report = look(down.system, engine, pinned);
  CHECK(state_of(report) == State::failed);
  CHECK(judge(report, "engines", down.clock.now()).status == Status::fail);
}

TEST_CASE("images: what is not here is pulled by its digest, looked at again, and tagged") {
  Machine machine;
  machine.runner.expect(docker + " version", version)
      .expect(docker + " image inspect docker.io/rocm/vllm@" + digest, absent)
      .expect(docker + " pull --quiet docker.io/rocm/vllm@" + digest)
      .expect(docker + " image inspect docker.io/rocm/vllm@" + digest, here())
      .expect(docker + " tag docker.io/rocm/vllm@" + digest + " docker.io/rocm/vllm:v1");
  const auto engine = find_engine(machine.system);
  REQUIRE(engine);
  std::vector<std::string> seen;
  const Report report = pull(machine.system, *engine, pinned, [&](const Report& now) {
    seen.push_back(std::string(to_text(state_of(now))) + " " + std::to_string(done_of(now).count) + "/" +
                   std::to_string(total_of(now).count));
  });
  CHECK(state_of(report) == State::ready);
  CHECK(seen == std::vector<std::string>{"wanted 0/5000", "pulling 0/5000", "ready 7000/7000"});
  CHECK(machine.runner.ran.back().env.count("DOCKER_CONFIG") == 0);
}

TEST_CASE("images: a second run changes nothing, and the plan is empty") {
  Machine machine;
  machine.runner.expect(docker + " version", version).expect(docker + " image inspect", here());
  const auto engine = find_engine(machine.system);
  REQUIRE(engine);
  CHECK(state_of(pull(machine.system, *engine, pinned, [](const Report&) {})) == State::ready);
  machine.runner.expect(docker + " image inspect", here());
  CHECK(plan(*engine, pinned, look(machine.system, engine, pinned)).empty());
  machine.runner.expect(docker + " image inspect", absent);
  CHECK(plan(*engine, pinned, look(machine.system, engine, pinned)).size() == 2);
}

TEST_CASE("images: another digest than the wanted one is never taken for it (F58)") {
  Machine machine;
  machine.runner.expect(docker + " version", version)
      .expect(docker + " image inspect", absent)
      .expect(docker + " pull")
      .expect(docker + " image inspect", here(other_digest));
  const auto engine = find_engine(machine.system);
  REQUIRE(engine);
  const Report report = pull(machine.system, *engine, pinned, [](const Report&) {});
  CHECK(state_of(report) == State::failed);
  CHECK(report.images[0].error.said.find("it has another digest") != std::string::npos);
}

TEST_CASE(
    "images: a pull that fails is told in the client's last words; one that brought nothing as well (F55)") {
  Machine machine;
  machine.runner.expect(docker + " version", version)
      .expect(docker + " image inspect", absent)
      .expect(docker + " pull", Completed{1, "", "layer 1\nno space left on device\n"});
  const auto engine = find_engine(machine.system);
  REQUIRE(engine);
  const Report full = pull(machine.system, *engine, pinned, [](const Report&) {});
  CHECK(full.images[0].error.said.find("no space left on device") != std::string::npos);
  machine.runner.expect(docker + " image inspect", absent)
      .expect(docker + " pull")
      .expect(docker + " image inspect", absent);
  const Report nothing = pull(machine.system, *engine, pinned, [](const Report&) {});
  CHECK(nothing.images[0].error.said.find("which was just pulled") != std::string::npos);
  machine.runner.expect(docker + " image inspect", Completed{1, "no JSON", "broken\n"});
  CHECK(look(machine.system, engine, pinned).images[0].state == State::failed);
}

TEST_CASE("images: a tag that is followed is pulled once, not moved on, and warned of") {
  Machine machine;
  machine.runner.expect(docker + " version", version)
      .expect(docker + " image inspect docker.io/rocm/vllm:main", absent)
      .expect(docker + " pull --quiet docker.io/rocm/vllm:main")
      .expect(docker + " image inspect docker.io/rocm/vllm:main", here());
  const auto engine = find_engine(machine.system);
  REQUIRE(engine);
  const Report report = pull(machine.system, *engine, followed, [](const Report&) {});
  CHECK(state_of(report) == State::ready);
  const Finding finding = judge(report, "engines", machine.clock.now());
  CHECK(finding.status == Status::warn);
  CHECK(finding.says.find("'docker.io/rocm/vllm:main' follows its tag") != std::string::npos);
}

TEST_CASE("images: logins for private registries are given to the client when there are some") {
  Machine machine;
  machine.tree.file("/etc/fettle/credentials/docker/config.json", "{}");
  const Engine engine = machine.engine();
  CHECK(engine.env.at("DOCKER_CONFIG") == "/etc/fettle/credentials/docker");
  CHECK(engine.env.at("REGISTRY_AUTH_FILE") == "/etc/fettle/credentials/docker/config.json");
}

TEST_CASE("images: a report that is missing, malformed or old says nothing good") {
  Machine machine;
  const auto now = machine.clock.now();
  CHECK(judge(read_report(machine.tree.files(), "engines"), "engines", now).status == Status::unknown);
  machine.runner.expect(docker + " version", version).expect(docker + " image inspect", here());
  const auto engine = find_engine(machine.system);
  REQUIRE(engine);
  const Report report = look(machine.system, engine, pinned);
  REQUIRE(write_report(machine.tree.files(), report));
  const auto read = read_report(machine.tree.files(), "engines");
  REQUIRE(read);
  CHECK(to_json(*read) == to_json(report));
  CHECK(judge(read, "engines", now).status == Status::pass);
  CHECK(judge(read, "engines", now + 2h).status == Status::pass);
  CHECK(judge(read, "engines", now + 4h).status == Status::unknown);
  machine.tree.file("/run/fettle/images/engines.json", to_json({"other", "", {}, {}, now}));
  CHECK(judge(read_report(machine.tree.files(), "engines"), "engines", now).status == Status::unknown);
  machine.tree.file("/run/fettle/images/engines.json", "{");
  CHECK(judge(read_report(machine.tree.files(), "engines"), "engines", now).status == Status::unknown);
}
