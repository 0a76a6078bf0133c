#include <doctest/doctest.h>

#include <algorithm>

#include "app/look.h"
#include "images/report.h"
#include "profile/load.h"
#include "support/fakes.h"
#include "support/tables.h"
#include "support/tree.h"

using namespace fettle;
using fettle::test::Tree;

namespace {

const NamedFinding& finding_in(const serve::Inputs& inputs, std::string_view id) {
  const auto at = std::find_if(inputs.findings.begin(), inputs.findings.end(),
                               [&](const NamedFinding& each) { return each.id == id; });
  REQUIRE(at != inputs.findings.end());
  return *at;
}

}  // namespace

TEST_CASE("look: wanted container images stand among the shelves, with their progress and a finding") {
  Tree tree;
  test::install_tables(tree);
  tree.file("/usr/share/fettle/profiles/node.yaml", "schema: 1\nkind: profile\n")
      .file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: node\nimages: [engines]\n")
      .file("/etc/fettle/profiles/images/engines.yaml",
            "schema: 1\nkind: images\nimages: [{image: docker.io/a/b, tag: v1, unpinned: true, why: a}]\n");
  test::FakeClock clock;
  const auto loaded = profile::load(tree.files());
  REQUIRE(loaded.profile);
  app::Look look(tree.files(), clock, "1");

  serve::Inputs inputs = look(*loaded.profile, app::Depth::everything);
  REQUIRE(inputs.shelves.size() == 1);
  CHECK(inputs.shelves[0].name == "engines");
  CHECK(inputs.shelves[0].progress == serve::Progress::waiting);
  CHECK(finding_in(inputs, "shelf.engines").finding.status == Status::unknown);

  images::Report report{"engines", "docker 1", {{"docker.io/a/b:v1", "docker.io/a/b:v1"}}, {}, clock.now()};
  report.images[0].size = Bytes{100};
  report.images[0].is_unpinned = true;
  report.images[0].state = images::State::pulling;
  REQUIRE(images::write_report(tree.files(), report));
  inputs = look(*loaded.profile, app::Depth::everything);
  CHECK(inputs.shelves[0].progress == serve::Progress::working);
  CHECK(inputs.shelves[0].done.count == 0);
  CHECK(inputs.shelves[0].total.count == 100);
  CHECK(finding_in(inputs, "shelf.engines").finding.status == Status::warn);

  report.images[0].state = images::State::ready;
  REQUIRE(images::write_report(tree.files(), report));
  inputs = look(*loaded.profile, app::Depth::everything);
  CHECK(inputs.shelves[0].progress == serve::Progress::ready);
  CHECK(inputs.shelves[0].done.count == 100);
  CHECK(finding_in(inputs, "shelf.engines").finding.status == Status::warn);

  report.images[0].state = images::State::failed;
  report.images[0].error = {Why::failed, "cannot pull", ""};
  REQUIRE(images::write_report(tree.files(), report));
  inputs = look(*loaded.profile, app::Depth::everything);
  CHECK(inputs.shelves[0].progress == serve::Progress::stopped);
  CHECK(inputs.shelves[0].error.find("cannot pull") != std::string::npos);
  CHECK(finding_in(inputs, "shelf.engines").finding.status == Status::fail);

  tree.file("/run/fettle/images/engines.json", "{");
  inputs = look(*loaded.profile, app::Depth::everything);
  CHECK(inputs.shelves[0].progress == serve::Progress::unknown);
}
