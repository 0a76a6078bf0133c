#include "app/memory.h"

#include <doctest/doctest.h>

#include <future>

#include "base/names.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::app;
using fettle::test::Tree;

namespace {

std::chrono::system_clock::time_point at(int seconds) {
  return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
}

News news(std::string says, std::string stage = {}) {
  News result{{{0, at(50), "node", std::move(says)}}, {"boot", at(10), {}, "c0ffee"}, {}};
  if (!stage.empty()) result.boot.stages.push_back({std::move(stage), at(60), {}});
  return result;
}

const std::string path{names::daemon_state};

}  // namespace

TEST_CASE("memory: events and the ledger outlive the daemon") {
  Tree tree;
  {
    Memory memory(tree.files(), path);
    CHECK(memory({}).events.empty());
    const Remembered told = memory(news("starting", "cache"));
    REQUIRE(told.events.size() == 1);
    CHECK(told.events[0].id == 1);
    CHECK_FALSE(told.trouble);
    REQUIRE(told.boots.size() == 1);
    CHECK(told.boots[0].stages[0].name == "cache");
  }
  Memory memory(tree.files(), path);
  const Remembered known = memory({});
  REQUIRE(known.events.size() == 1);
  CHECK(known.events[0].says == "starting");
  const Remembered told = memory(news("ready", "ready"));
  REQUIRE(told.events.size() == 1);  // what was told is not told again
  CHECK(told.events[0].id == 2);
  CHECK(told.boots[0].stages.size() == 2);
  REQUIRE(told.first);
  CHECK(told.first->id == "boot");

  News next{{}, {"later", at(900), {{"cache", at(930), {}}}, "c0ffee"}, {}};
  CHECK(memory(next).first->id == "boot");
  next.boot = {"another", at(2000), {{"cache", at(2030), {}}}, "new"};
  CHECK(memory(next).first->id == "another");
}

TEST_CASE("memory: F49 F51 what cannot be kept is told all the same, with its reason") {
  Tree tree;
  tree.file("/var/lib/fettle/daemon", "no directory");
  Memory memory(tree.files(), path);
  const Remembered first = memory(news("starting", "cache"));
  REQUIRE(first.trouble);
  CHECK(first.trouble->status == Status::warn);
  CHECK(first.trouble->says.find("events, acknowledgements and the ledger are not kept: cannot ") == 0);
  REQUIRE(first.events.size() == 1);
  CHECK(first.events[0].id == 1);
  const Remembered second = memory(news("ready", "ready"));
  CHECK(second.events[0].id == 2);
  REQUIRE(second.boots.size() == 1);
  CHECK(second.boots[0].stages.size() == 2);

  Tree broken;
  broken.file(path, "garbage, not a database");
  Memory other(broken.files(), path);
  const Remembered set_aside = other(news("starting"));
  REQUIRE(set_aside.trouble);
  CHECK(set_aside.events[0].id == 1);
}

TEST_CASE("memory: what a full disk kept out of the file goes in when there is room") {
  Tree tree;
  tree.file("/var/lib/fettle/daemon", "no directory");
  Memory memory(tree.files(), path);
  CHECK(memory(news("starting", "cache")).trouble);
  tree.remove("/var/lib/fettle/daemon");
  CHECK_FALSE(memory(news("ready", "ready")).trouble);
  Memory later(tree.files(), path);
  const Remembered known = later({});
  REQUIRE(known.boots.size() == 1);
  CHECK(known.boots[0].stages.size() == 2);
}

TEST_CASE("memory: how shelves grew outlives the daemon, the newest word counts, and it has a limit") {
  Tree tree;
  const std::vector<store::Growth> growth{
      {"large", at(5), {1}, {0}}, {"tiny", at(6), {2}, {1}}, {"tiny", at(7), {4}, {2}}};
  {
    Memory memory(tree.files(), path);
    CHECK(memory({}).growth->empty());
    News more;
    more.growth = growth;
    CHECK_FALSE(memory(more).growth);
    CHECK_FALSE(memory(news("starting")).growth);  // what is not told stays as it is
  }
  {
    Memory memory(tree.files(), path);
    const auto known = memory({}).growth;
    REQUIRE(known);
    REQUIRE(known->size() == 3);
    CHECK((*known)[0].shelf == "large");
    CHECK((*known)[2].at == at(7));
    CHECK((*known)[2].done == Bytes{4});
    CHECK((*known)[2].verified == Bytes{2});
    News fewer;
    fewer.growth = {growth[1]};
    (void)memory(fewer);
  }
  Memory memory(tree.files(), path);
  CHECK(memory({}).growth->size() == 1);
  News many;
  many.growth.emplace();
  for (int second = 0; second < 20'010; ++second) many.growth->push_back({"tiny", at(second), {1}, {1}});
  (void)memory(many);
  Memory last(tree.files(), path);
  CHECK(last({}).growth->size() == store::growth_kept);
}

TEST_CASE("recorder: the caller never waits, and nothing that was pushed is lost at the end") {
  std::promise<void> disk;
  const std::shared_future<void> wakes = disk.get_future().share();
  int written = 0;
  {
    Recorder recorder(
        [&](const News&) {
          wakes.wait();
          ++written;
          return Remembered{};
        },
        [](Remembered) {});
    for (int i = 0; i < 100; ++i) recorder.push({});
    CHECK(recorder.is_busy());
    disk.set_value();
  }
  CHECK(written == 100);
}
