#include <doctest/doctest.h>

#include "inputs.h"

using namespace fettle;
using namespace fettle::serve;
using fettle::test::finding;
using fettle::test::ready_node;
using fettle::test::shelf;

namespace {

struct Row {
  const char* what;
  Findings findings;  // besides those of the ready node
  std::vector<Shelf> shelves;
  std::chrono::minutes uptime;
  State state;
  const char* why;
};

}  // namespace

TEST_CASE("serve: the node in one word") {
  using std::chrono::minutes;
  const Status fail = Status::fail;
  const Status unknown = Status::unknown;
  const std::vector<Row> rows{
      {"all there", {}, {}, minutes(300), State::ready, "all that is wanted is there, with 1 warning"},
      {"a driver that is not there, late",
       {finding("driver.live", fail, "amdgpu is not loaded")},
       {},
       minutes(21),
       State::failed,
       "driver.live: amdgpu is not loaded"},
      {"a driver that is not there, soon after boot",
       {finding("driver.live", fail, "amdgpu is not loaded"), finding("gpu.count", unknown, "no KFD")},
       {},
       minutes(2),
       State::starting,
       "driver.live: amdgpu is not loaded (and 1 more)"},
      {"an engine that fell silent: the node itself is fit",
       {finding("engine.main", fail, "it served")},
       {},
       minutes(300),
       State::degraded,
       "engine.main: it served"},
      {"an engine that nobody asked yet",
       {finding("engine.main", unknown, "nobody asked it yet")},
       {},
       minutes(300),
       State::ready,
       "all that is wanted is there, with 1 warning; 1 check could not look"},
      {"what runs on the GPUs was not looked at yet",
       {finding("env.drift", unknown, "nothing was collected yet")},
       {},
       minutes(300),
       State::ready,
       "all that is wanted is there, with 1 warning; 1 check could not look"},
      {"provisioning has not reported, soon after boot",
       {finding("cache.provisioned", unknown, "no report")},
       {},
       minutes(2),
       State::starting,
       "cache.provisioned: no report"},
      {"provisioning has not reported",
       {finding("cache.provisioned", unknown, "no report")},
       {},
       minutes(21),
       State::unknown,
       "cache.provisioned: no report"},
      {"the cache failed soon after boot",
       {finding("cache.provisioned", fail, "7 of 8 drives")},
       {},
       minutes(2),
       State::failed,
       "cache.provisioned: 7 of 8 drives"},
      {"failed is worse than unknown",
       {finding("a.b", unknown, "?"), finding("c.d", fail, "broken")},
       {},
       minutes(300),
       State::failed,
       "c.d: broken"},
      {"a bad reload degrades",
       {finding("config.reload", fail, "line 4")},
       {},
       minutes(300),
       State::degraded,
       "config.reload: line 4"},
      {"a shelf on its way",
       {},
       {shelf("x", Progress::working, "fetching")},
       minutes(300),
       State::starting,
       "shelf x: fetching"},
      {"a shelf's finding does not count twice",
       {finding("shelf.x", fail, "fetching")},
       {shelf("x", Progress::working, "fetching")},
       minutes(300),
       State::starting,
       "shelf x: fetching"},
      {"a stopped shelf is worse than one on its way",
       {},
       {shelf("x", Progress::waiting, "wanted"), shelf("y", Progress::stopped, "failed")},
       minutes(300),
       State::degraded,
       "shelf y: failed"},
      {"a shelf that nobody can read",
       {},
       {shelf("x", Progress::unknown, "unknown")},
       minutes(300),
       State::unknown,
       "shelf x: unknown"},
      {"a shelf that has not reported, soon after boot",
       {},
       {shelf("x", Progress::unknown, "not reported")},
       minutes(2),
       State::starting,
       "shelf x: not reported"},
      {"another finding of the shelf room counts",
       {finding("shelf.client", fail, "hf is missing")},
       {},
       minutes(300),
       State::failed,
       "shelf.client: hf is missing"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Inputs inputs = ready_node();
    inputs.findings.insert(inputs.findings.end(), row.findings.begin(), row.findings.end());
    if (!row.shelves.empty()) inputs.shelves = row.shelves;
    inputs.uptime = row.uptime;
    const Verdict verdict = judge(inputs);
    CHECK(to_text(verdict.state) == to_text(row.state));
    CHECK(verdict.why == row.why);
  }
}

TEST_CASE("serve: a node that nobody looked at is unknown, and without uptime nothing settles") {
  CHECK(judge({}).state == State::unknown);
  Inputs inputs = ready_node();
  inputs.uptime.reset();
  inputs.findings.push_back(finding("gpu.count", Status::unknown, "no KFD"));
  CHECK(judge(inputs).state == State::unknown);
}

TEST_CASE("serve: a snapshot ages, and after three refreshes it is unknown") {
  using std::chrono::seconds;
  const Snapshot snapshot(ready_node());
  const auto at = [](int s) { return std::chrono::steady_clock::time_point(seconds(s)); };
  CHECK(snapshot.age(at(44)) == seconds(44));
  CHECK(snapshot.state(at(45)) == State::ready);
  CHECK(snapshot.state(at(46)) == State::unknown);
  CHECK(snapshot.age(at(-5)) == seconds(0));
}
