#include "shelf/progress.h"

#include <doctest/doctest.h>

#include "support/fakes.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::shelf;
using namespace std::chrono_literals;

TEST_CASE("progress: the time that is left is told, but not while hardly anything comes") {
  test::Tree tree;
  tree.directory("/run/fettle/shelf");
  test::FakeRunner runner;
  test::FakeClock clock;
  const system::System machine{tree.files(), runner, clock};
  Report report;
  report.shelf = "tiny";
  report.state = State::fetching;
  report.repositories = {{"o/n", "main", State::fetching, {}, {}, {10_GiB, 3}}};
  Progress progress(machine, report, {});
  progress.publish();
  clock.sleep_for(2s);
  progress.repository(0).done = {Bytes{12}, 0};
  progress.publish();
  CHECK(progress.report().rate == Bytes{6});
  CHECK_FALSE(progress.report().eta);
  clock.sleep_for(2s);
  progress.repository(0).done = {2_GiB, 0};
  progress.publish();
  CHECK(progress.report().rate == Bytes{(2_GiB).count / 4});
  CHECK(progress.report().eta == 16s);
}
