#include "facts/clock.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "facts/readers.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::facts;
using fettle::test::Tree;
using system::TimeSync;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view file = "/run/fettle/collect/clock.json";

ClockTrial trial_of(Result<TimeSync> sync) {
  ClockTrial trial;
  trial.stamp = {std::chrono::system_clock::time_point(1764000000s), 100s, 900s};
  trial.sync = std::move(sync);
  return trial;
}

void collect(Tree& tree, Result<TimeSync> sync) {
  tree.file(file, pretty_json(to_json(trial_of(std::move(sync)))));
}

}  // namespace

TEST_CASE("clock: what the collector found is read back as it was") {
  for (const TimeSync sync : {TimeSync::synchronised, TimeSync::free_running}) {
    Tree tree;
    collect(tree, sync);
    const auto read = read_clock_trial(tree.files(), 200s);
    REQUIRE(read);
    REQUIRE(read->sync);
    CHECK(*read->sync == sync);
    CHECK(read->stamp.uptime == 100s);
    CHECK(*read_time_sync(tree.files(), 200s) == sync);
  }
}

TEST_CASE("clock: a question that failed, an old answer and half an answer are no answer") {
  Tree tree;
  collect(tree, fail(Why::denied, "cannot ask the kernel about its clock: Operation not permitted"));
  CHECK(read_clock_trial(tree.files(), 200s)->sync.error().why == Why::denied);
  CHECK_FALSE(read_time_sync(tree.files(), 200s));

  collect(tree, TimeSync::synchronised);
  const auto old = read_clock_trial(tree.files(), 1001s);
  REQUIRE_FALSE(old);
  CHECK(old.error().why == Why::timed_out);
  CHECK_FALSE(read_time_sync(tree.files(), 1001s));

  std::string text = tree.read(file);
  text.replace(text.find("synchronised"), 12, "maybe");
  CHECK_FALSE(parse_clock_trial(text));
  CHECK_FALSE(parse_clock_trial("{}"));
}

TEST_CASE("clock: without a collector the mark of timesyncd counts, and nothing else does") {
  Tree tree;
  CHECK_FALSE(read_time_sync(tree.files(), 200s));
  tree.file("/run/systemd/timesync/synchronized");
  CHECK(*read_time_sync(tree.files(), 200s) == TimeSync::synchronised);
}
