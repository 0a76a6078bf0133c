#include "env/explain.h"

#include <doctest/doctest.h>

#include "support/tree.h"

using namespace fettle;
using fettle::env::Delivery;
using fettle::profile::Scope;
using fettle::test::Tree;

namespace {

profile::Profile example() {
  profile::Profile profile;
  profile.environment = {{"EVERYWHERE", "1", Scope::all, "a reason", "a page"},
                         {"MODE", "host", Scope::host, "", ""},
                         {"MODE", "container", Scope::container, "", ""},
                         {"BAD", "a\nb", Scope::all, "", ""}};
  profile.not_set = {{"SAFETENSORS_FAST_GPU", "1", "nothing reads it", "safetensors 0.3.0"}};
  return profile;
}

std::vector<Delivery> deliveries(const env::Setting& setting) {
  std::vector<Delivery> all;
  for (const env::Place& place : setting.places) all.push_back(place.delivery);
  return all;
}

}  // namespace

TEST_CASE("env: explain tells value, reason, source, and that nothing is written yet") {
  Tree tree;
  const auto explained = env::explain(example(), tree.files(), "EVERYWHERE");
  REQUIRE(explained);
  REQUIRE(explained->settings.size() == 1);
  const env::Setting& setting = explained->settings[0];
  CHECK(setting.variable.value == "1");
  CHECK(setting.variable.why == "a reason");
  CHECK(setting.variable.source == "a page");
  CHECK(deliveries(setting) == std::vector<Delivery>(4, Delivery::not_written));
  CHECK(setting.places[0].path == "/run/fettle/env/fettle.sh");
  CHECK(setting.places[2].reaches == "containers started with --env-file");
}

TEST_CASE("env: explain looks at each file, and does not call a file good that it could not read") {
  Tree tree;
  env::apply(env::plan(example()), tree.files());
  tree.file("/run/fettle/env/systemd.env", "EVERYWHERE=\"0\"\n");
  tree.remove("/run/fettle/env/container.env").directory("/run/fettle/env/container.env");
  const auto explained = env::explain(example(), tree.files(), "EVERYWHERE");
  REQUIRE(explained);
  CHECK(deliveries(explained->settings[0]) == std::vector<Delivery>{Delivery::delivered, Delivery::outdated,
                                                                    Delivery::unknown, Delivery::delivered});
  CHECK(explained->settings[0].places[2].error.said ==
        "cannot read '/run/fettle/env/container.env': it is not a regular file");
}

TEST_CASE("env: a name with one value for the host and one for containers is explained as two") {
  Tree tree;
  env::apply(env::plan(example()), tree.files());
  const auto explained = env::explain(example(), tree.files(), "MODE");
  REQUIRE(explained);
  REQUIRE(explained->settings.size() == 2);
  CHECK(deliveries(explained->settings[0]) == std::vector<Delivery>{Delivery::delivered, Delivery::delivered,
                                                                    Delivery::not_for_it,
                                                                    Delivery::delivered});
  CHECK(deliveries(explained->settings[1]) == std::vector<Delivery>{Delivery::not_for_it,
                                                                    Delivery::not_for_it, Delivery::delivered,
                                                                    Delivery::delivered});
}

TEST_CASE("env: explain says why a variable is refused, left alone, or unknown") {
  Tree tree;
  const auto refused = env::explain(example(), tree.files(), "BAD");
  REQUIRE(refused);
  CHECK(refused->settings.empty());
  REQUIRE(refused->refused);
  CHECK(refused->refused->why == Why::refused);

  const auto left_alone = env::explain(example(), tree.files(), "SAFETENSORS_FAST_GPU");
  REQUIRE(left_alone);
  REQUIRE(left_alone->left_alone);
  CHECK(left_alone->left_alone->why == "nothing reads it");

  profile::Profile by_image = example();
  by_image.caches.push_back(
      {"aiter", {"AITER_JIT_DIR"}, 0755, {}, {}, {}, "kernels", profile::Compiled::by_image});
  by_image.cache.emplace().path = "/srv/fettle";
  CHECK(env::explain(by_image, tree.files(), "AITER_JIT_DIR")->left_alone->why ==
        "kernels; `fettle run-line` and `fettle env --model` set it for an image");
  for (const env::Variable& each : env::plan(by_image).variables) CHECK(each.name != "AITER_JIT_DIR");

  const auto nobody = env::explain(example(), tree.files(), "PATH");
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().why == Why::missing);
  CHECK(nobody.error().said == "cannot explain 'PATH': the profile says nothing about it");
}
