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
