#include "env/plan.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>

#include "support/tree.h"

using namespace fettle;
using fettle::profile::Scope;
using fettle::test::Tree;

namespace {

profile::Profile example() {
  profile::Profile profile;
  profile.cache = profile::Cache{"/srv/fettle"};
  profile.caches = {{"hf", {"HF_HOME"}, 0755, "fettle-stage", "", {}, "weights survive a restart"},
                    {"aiter", {"AITER_JIT_DIR", "JIT_WORKSPACE_DIR"}, 0755, "", "", {}, "kernels"},
                    {"scratch", {}, 0755, "", "", {}, "no variable"}};
  profile.environment = {{"HSA_OVERRIDE_CPU_AFFINITY_DEBUG", "0", Scope::all, "pinned processes", "ROCm"},
                         {"HOST_ONLY", "h", Scope::host, "", ""},
                         {"MODE", "host", Scope::host, "", ""},
                         {"MODE", "container", Scope::container, "", ""}};
  return profile;
}

const env::File& file_named(const env::Plan& plan, std::string_view path) {
  const auto found =
      std::find_if(plan.files.begin(), plan.files.end(), [&](const auto& file) { return file.path == path; });
  REQUIRE(found != plan.files.end());
  return *found;
}

bool holds(const env::File& file, std::string_view line) {
  return file.content.find(line) != std::string::npos;
}

}  // namespace

TEST_CASE("env: a cache directory sets its variables to its path") {
  const auto plan = env::plan(example());
  CHECK(plan.refused.empty());
  REQUIRE(plan.variables.size() == 7);
  CHECK(plan.variables[4].name == "HF_HOME");
  CHECK(plan.variables[4].value == "/srv/fettle/hf");
  CHECK(plan.variables[4].why == "weights survive a restart");
  CHECK(plan.variables[4].source == "cache directory 'hf' of the profile");
  CHECK(plan.variables[6].name == "JIT_WORKSPACE_DIR");
  CHECK(plan.variables[6].value == "/srv/fettle/aiter");

  profile::Profile without = example();
  without.cache.reset();
  CHECK(env::plan(without).variables.size() == 4);
}

TEST_CASE("env: host and container see their own variables only") {
  const auto plan = env::plan(example());
  REQUIRE(plan.files.size() == 4);
  const auto& sh = file_named(plan, "/run/fettle/env/fettle.sh");
  const auto& systemd = file_named(plan, "/run/fettle/env/systemd.env");
  const auto& container = file_named(plan, "/run/fettle/env/container.env");
  const auto& json = file_named(plan, "/run/fettle/env/env.json");
  CHECK(holds(sh, "export MODE='host'\n"));
  CHECK_FALSE(holds(sh, "container'"));
  CHECK(holds(systemd, "HOST_ONLY=\"h\"\n"));
  CHECK_FALSE(holds(systemd, "MODE=\"container\""));
  CHECK(holds(container, "\nMODE=container\n"));
  CHECK(holds(container, "\nHF_HOME=/srv/fettle/hf\n"));
  CHECK_FALSE(holds(container, "HOST_ONLY"));
  CHECK(holds(json, "\"HOST_ONLY\""));
  CHECK(holds(json, "\"container\""));
  for (const env::File& file : plan.files) CHECK(file.mode == 0644);
}

TEST_CASE("env: a variable that one place cannot have is delivered nowhere") {
  profile::Profile profile = example();
  profile.environment.push_back({"LINES_TOO_MANY", "a\nb", Scope::all, "", ""});
  profile.environment.push_back({"LINES_OF_HOST", "a\nb", Scope::host, "", ""});
  profile.environment.push_back({"HF_HOME", "/elsewhere", Scope::host, "", ""});
  const auto plan = env::plan(profile);
  REQUIRE(plan.refused.size() == 2);
  CHECK(plan.refused[0].name == "LINES_TOO_MANY");
  CHECK(plan.refused[1].name == "HF_HOME");
  CHECK(plan.refused[1].error.said ==
        "cannot deliver the variable 'HF_HOME' a second time: the profile has set it already");
  for (const env::File& file : plan.files) CHECK_FALSE(holds(file, "LINES_TOO_MANY"));
  CHECK(holds(file_named(plan, "/run/fettle/env/fettle.sh"), "export LINES_OF_HOST='a\nb'\n"));
  CHECK(holds(file_named(plan, "/run/fettle/env/fettle.sh"), "export HF_HOME='/elsewhere'\n"));
  CHECK_FALSE(holds(file_named(plan, "/run/fettle/env/fettle.sh"), "/srv/fettle/hf"));
}

TEST_CASE("env: a second apply writes nothing") {
  Tree tree;
  const auto plan = env::plan(example());
  const auto first = env::apply(plan, tree.files());
  REQUIRE(first.size() == 4);
  for (const auto& applied : first) CHECK(applied.outcome == Outcome::changed);
  CHECK(first[0].what == "/run/fettle/env/fettle.sh");
  const auto inode = tree.files().look("/run/fettle/env/fettle.sh")->inode;
  for (const auto& applied : env::apply(plan, tree.files())) CHECK(applied.outcome == Outcome::already_so);
  CHECK(tree.files().look("/run/fettle/env/fettle.sh")->inode == inode);
  CHECK(tree.read("/run/fettle/env/systemd.env") == plan.files[1].content);

  profile::Profile other = example();
  other.environment[1].value = "changed";
  const auto third = env::apply(env::plan(other), tree.files());
  CHECK(third[0].outcome == Outcome::changed);
  CHECK(third[2].outcome == Outcome::already_so);  // the container's file has no host variable
}

TEST_CASE("env: what was refused or could not be written is told, the rest is written") {
  Tree tree;
  tree.directory("/run/fettle/env/systemd.env");
  profile::Profile profile = example();
  profile.environment.push_back({"1BAD", "x", Scope::all, "", ""});
  const auto applied = env::apply(env::plan(profile), tree.files());
  REQUIRE(applied.size() == 5);
  CHECK(applied[0].what == "1BAD");
  CHECK(applied[0].outcome == Outcome::refused);
  CHECK(applied[0].error.said == "cannot deliver the variable '1BAD': that is no name of a variable");
  CHECK(applied[1].outcome == Outcome::changed);
  CHECK(applied[2].outcome == Outcome::failed);
  CHECK(applied[2].error.said ==
        "cannot deliver the environment: cannot write '/run/fettle/env/systemd.env': Is a directory");
  CHECK(applied[3].outcome == Outcome::changed);
}

TEST_CASE("env: an empty profile gives files without variables") {
  const auto plan = env::plan({});
  REQUIRE(plan.files.size() == 4);
  CHECK(plan.variables.empty());
  CHECK_FALSE(holds(plan.files[0], "export"));
}
