#include "serve/history.h"

#include <doctest/doctest.h>

#include "inputs.h"

using namespace fettle;
using namespace fettle::serve;

namespace {

std::chrono::system_clock::time_point at(std::int64_t seconds) {
  return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
}

Shelf shelf_with(Progress progress, std::uint64_t done, std::uint64_t verified) {
  Shelf shelf = test::shelf("tiny", progress, "");
  shelf.done = {done};
  shelf.verified = {verified};
  return shelf;
}

}  // namespace

TEST_CASE("history: a shelf on its way is followed until it rests, and its last step is kept") {
  Histories histories;
  follow(histories, {shelf_with(Progress::waiting, 0, 0)}, at(1));
  CHECK(histories.empty());
  follow(histories, {shelf_with(Progress::working, 0, 0)}, at(2));
  follow(histories, {shelf_with(Progress::working, 50, 0)}, at(3));
  follow(histories, {shelf_with(Progress::ready, 100, 100)}, at(4));
  follow(histories, {shelf_with(Progress::ready, 100, 100)}, at(90));
  const auto& history = histories.at("tiny");
  REQUIRE(history.size() == 3);
  CHECK(history.back().at == at(4));
  CHECK(history.back().done == Bytes{100});
  CHECK(history.back().verified == Bytes{100});
  CHECK(history[1].done == Bytes{50});
}

TEST_CASE("history: a stall is two samples however long it lasts") {
  Histories histories;
  for (std::int64_t second = 1; second < 500; ++second)
    follow(histories, {shelf_with(Progress::working, 7, 0)}, at(second));
  const auto& history = histories.at("tiny");
  REQUIRE(history.size() == 2);
  CHECK(history.front().at == at(1));
  CHECK(history.back().at == at(499));
}

TEST_CASE("history: a day of samples stays small and keeps its first and its newest") {
  Histories histories;
  for (std::uint64_t second = 1; second <= 86400; ++second) {
    follow(histories, {shelf_with(Progress::working, second, 0)}, at(static_cast<std::int64_t>(second)));
    CHECK(histories.at("tiny").size() <= samples_kept);
  }
  const auto& history = histories.at("tiny");
  CHECK(history.size() >= samples_kept / 2);
  CHECK(history.front().at == at(1));
  CHECK(history.back().at == at(86400));
  CHECK(history.back().done == Bytes{86400});
}

TEST_CASE("history: a clock that is set back begins it anew, and a shelf nobody wants is forgotten") {
  Histories histories;
  follow(histories, {shelf_with(Progress::working, 1, 0)}, at(1000));
  follow(histories, {shelf_with(Progress::working, 2, 0)}, at(2000));
  follow(histories, {shelf_with(Progress::working, 3, 0)}, at(500));
  REQUIRE(histories.at("tiny").size() == 1);
  CHECK(histories.at("tiny").front().at == at(500));
  follow(histories, {}, at(501));
  CHECK(histories.empty());
}

TEST_CASE("history: what was kept comes before what was seen since, and counts as seen") {
  Histories before;
  follow(before, {shelf_with(Progress::working, 10, 0)}, at(100));
  follow(before, {shelf_with(Progress::working, 20, 5)}, at(200));
  const auto kept = to_growth(before);
  REQUIRE(kept.size() == 2);
  Histories histories;
  CHECK(follow(histories, {shelf_with(Progress::working, 30, 10)}, at(300)) == Followed::more);
  restore(histories, kept, at(301));
  follow(histories, {shelf_with(Progress::ready, 40, 40)}, at(400));
  const auto& history = histories.at("tiny");
  REQUIRE(history.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(history[i].at == at(100 * (static_cast<std::int64_t>(i) + 1)));
    CHECK(history[i].done == Bytes{10 * (i + 1)});
  }
  CHECK(history[1].verified == Bytes{5});
  CHECK(follow(histories, {shelf_with(Progress::ready, 40, 40)}, at(500)) == Followed::nothing);
  // After a boot the worker's report is gone: that is no shelf that shrank.
  CHECK(follow(histories, {shelf_with(Progress::waiting, 0, 0)}, at(600)) == Followed::nothing);
  CHECK(follow(histories, {shelf_with(Progress::unknown, 0, 0)}, at(601)) == Followed::nothing);
  CHECK(follow(histories, {}, at(700)) == Followed::more);
}

TEST_CASE("history: of what was kept, the future, the long past and what was seen again are left out") {
  Histories before;
  for (std::uint64_t second = 1; second <= 239; ++second)
    follow(before, {shelf_with(Progress::working, second, 0)}, at(static_cast<std::int64_t>(second)));
  Histories late;
  restore(late, to_growth(before), at(239) + history_kept_for + std::chrono::seconds(1));
  CHECK(late.empty());
  Histories early;
  restore(early, to_growth(before), at(100));
  CHECK(early.at("tiny").size() == 100);
  Histories again;
  follow(again, {shelf_with(Progress::working, 90, 0)}, at(90));
  for (std::uint64_t second = 91; second <= 300; ++second)
    follow(again, {shelf_with(Progress::working, second, 0)}, at(static_cast<std::int64_t>(second)));
  restore(again, to_growth(before), at(300));
  const auto& history = again.at("tiny");
  CHECK(history.size() <= samples_kept);
  CHECK(history.front().at == at(1));
  CHECK(history.back().at == at(300));
  for (std::size_t i = 1; i < history.size(); ++i) CHECK(history[i - 1].at < history[i].at);
}
