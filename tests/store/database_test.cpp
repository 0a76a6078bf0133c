#include "store/database.h"

#include <doctest/doctest.h>

#include <array>

#include "store/events.h"
#include "store/ledger.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::store;
using fettle::test::Tree;

namespace {

constexpr std::string_view path = "/var/lib/fettle/stage/shelves.db";
constexpr std::array<std::string_view, 1> first{
    "CREATE TABLE jobs (name TEXT PRIMARY KEY, state TEXT) STRICT;"};
constexpr std::array<std::string_view, 2> second{first[0], events_step};
constexpr std::array<std::string_view, 2> broken_step{first[0], "CREATE TABLE more (a); THIS IS NOT SQL;"};
constexpr Schema one{0x66740001, first};
constexpr Schema two{0x66740001, second};

void put(const Database& database, std::string_view name) {
  auto insert = database.prepare("INSERT INTO jobs VALUES (?, 'ready')");
  REQUIRE(insert);
  REQUIRE(insert->bind(0, name).run());
}

std::int64_t jobs(const Database& database) {
  auto query = database.prepare("SELECT count(*) FROM jobs");
  REQUIRE(query);
  REQUIRE(*query->next());
  return query->number(0);
}

// A database with one job, closed again.
void make(Tree& tree) {
  const auto opened = Database::open(tree.files(), path, one);
  REQUIRE(opened);
  CHECK(opened->findings.empty());
  put(opened->database, "tiny");
}

}  // namespace

TEST_CASE("store: what was committed is there the next time, durably") {
  Tree tree;
  make(tree);
  const auto again = Database::open(tree.files(), path, one);
  REQUIRE(again);
  CHECK(again->findings.empty());
  CHECK(jobs(again->database) == 1);
  auto synchronous = again->database.prepare("PRAGMA synchronous");
  REQUIRE(*synchronous->next());
  CHECK(synchronous->number(0) == 2);  // FULL
  auto journal = again->database.prepare("PRAGMA journal_mode");
  REQUIRE(*journal->next());
  CHECK(journal->text(0) == "wal");
}

TEST_CASE("store: a transaction is done as a whole or not at all") {
  Tree tree;
  const auto opened = Database::open(tree.files(), path, one);
  REQUIRE(opened);
  const auto done = opened->database.transaction([&]() -> Result<void> {
    put(opened->database, "a");
    return fail(Why::failed, "cannot go on");
  });
  CHECK(done.error().said == "cannot go on");
  CHECK(jobs(opened->database) == 0);
  CHECK(opened->database.transaction([&]() -> Result<void> {
    put(opened->database, "b");
    return {};
  }));
  CHECK(jobs(opened->database) == 1);
}

TEST_CASE("store: F49 a broken file is set aside with a finding and the records start empty") {
  struct Row {
    const char* how;
    std::function<void(Tree&)> harm;
  };
  const std::string file(path);
  const std::array rows{
      Row{"garbage", [&](Tree& tree) { tree.file(file, std::string(8192, 'x')); }},
      Row{"half its size",
          [&](Tree& tree) {
            const std::string all = tree.read(file);
            tree.file(file, std::string_view(all).substr(0, all.size() / 2));
          }},
      Row{"zero bytes", [&](Tree& tree) { tree.file(file, ""); }},
      Row{"a zero page", [&](Tree& tree) { tree.patch(file, 4096, std::string(4096, '\0')); }},
      Row{"another program's", [&](Tree& tree) { tree.patch(file, 68, std::string("\x12\x34\x56\x78", 4)); }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.how);
    Tree tree;
    make(tree);
    row.harm(tree);
    const std::string harmed = tree.read(file);
    const auto opened = Database::open(tree.files(), path, one);
    REQUIRE(opened);
    REQUIRE(opened->findings.size() == 1);
    CHECK(opened->findings[0].status == Status::fail);
    CHECK(opened->findings[0].says.find(".corrupt-1'") != std::string::npos);
    CHECK(opened->database.writable());
    CHECK(jobs(opened->database) == 0);
    CHECK(tree.read(file + ".corrupt-1") == harmed);
  }
}

TEST_CASE("store: F49 only the newest three broken files are kept") {
  Tree tree;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(Database::open(tree.files(), path, one));
    tree.file(path, "garbage " + std::to_string(i) + std::string(4096, 'x'));
  }
  REQUIRE(Database::open(tree.files(), path, one));
  CHECK_FALSE(*tree.files().exists(std::string(path) + ".corrupt-2"));
  for (const char* kept : {".corrupt-3", ".corrupt-4", ".corrupt-5"}) {
    CAPTURE(kept);
    CHECK(*tree.files().exists(std::string(path) + kept));
  }
}

TEST_CASE("store: a first start that was killed is not a broken file") {
  Tree tree;
  tree.file(path, "");
  const auto opened = Database::open(tree.files(), path, one);
  REQUIRE(opened);
  CHECK(opened->findings.empty());
}

TEST_CASE("store: a file that somebody removed is missed") {
  Tree tree;
  make(tree);
  tree.remove(path).remove(std::string(path) + "-wal").remove(std::string(path) + "-shm");
  const auto opened = Database::open(tree.files(), path, one);
  REQUIRE(opened);
  REQUIRE(opened->findings.size() == 1);
  CHECK(opened->findings[0].status == Status::warn);
}

TEST_CASE("store: an older file is brought up to date and copied before") {
  Tree tree;
  make(tree);
  const auto opened = Database::open(tree.files(), path, two);
  REQUIRE(opened);
  CHECK(opened->findings.empty());
  CHECK(jobs(opened->database) == 1);
  CHECK(newest_events(opened->database, 10)->empty());
  CHECK(*tree.files().exists(std::string(path) + ".before-2"));
}

TEST_CASE("store: a step that fails leaves the file as it was") {
  Tree tree;
  make(tree);
  const Schema bad{one.application_id, broken_step};
  CHECK_FALSE(Database::open(tree.files(), path, bad));
  const auto opened = Database::open(tree.files(), path, one);
  REQUIRE(opened);
  CHECK(opened->findings.empty());
  CHECK(jobs(opened->database) == 1);
}

TEST_CASE("store: F49 a newer program's file is only read") {
  Tree tree;
  make(tree);
  REQUIRE(Database::open(tree.files(), path, two));
  const auto opened = Database::open(tree.files(), path, one);
  REQUIRE(opened);
  REQUIRE(opened->findings.size() == 1);
  CHECK(opened->findings[0].status == Status::warn);
  CHECK_FALSE(opened->database.writable());
  CHECK(jobs(opened->database) == 1);
  CHECK_FALSE(opened->database.execute("DELETE FROM jobs"));
  CHECK(jobs(opened->database) == 1);
}

TEST_CASE("store: a directory that cannot be written is an error, not a broken file") {
  Tree tree;
  tree.file("/var/lib/fettle", "in the way");
  const auto opened = Database::open(tree.files(), path, one);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().said.rfind("cannot ", 0) == 0);
}

TEST_CASE("store: events are kept up to a limit, numbers are not used twice") {
  Tree tree;
  const auto opened = Database::open(tree.files(), path, two);
  REQUIRE(opened);
  for (int i = 0; i < 8; ++i) {
    REQUIRE(add_event(opened->database, {}, "shelf.tiny", "event " + std::to_string(i), 3));
  }
  const auto events = newest_events(opened->database, 10);
  REQUIRE(events);
  REQUIRE(events->size() == 3);
  CHECK(events->front().says == "event 5");
  CHECK(events->back().id == 8);
}

TEST_CASE("store: a boot reaches each stage once, and old boots make room") {
  constexpr std::array<std::string_view, 2> steps{ledger_step, ledger_generation_step};
  Tree tree;
  const auto opened = Database::open(tree.files(), path, {0x66740009, steps});
  REQUIRE(opened);
  const auto at = [](int seconds) {
    return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
  };
  REQUIRE(add_stages(opened->database, {"a", at(100), {{"cache", at(141), 5_GiB}}}, 2));
  REQUIRE(add_stages(opened->database, {"a", at(101), {{"cache", at(900), {}}, {"ready", at(160), {}}}}, 2));
  REQUIRE(add_stages(opened->database, {"b", at(200), {}}, 2));
  auto boots = newest_boots(opened->database, 10);
  REQUIRE(boots);
  REQUIRE(boots->size() == 2);
  CHECK(boots->front().id == "b");
  const Boot& first = boots->back();
  CHECK(first.at == at(100));
  REQUIRE(first.stages.size() == 2);
  CHECK(first.stages[0].at == at(141));
  CHECK(first.stages[0].bytes.count == Bytes{5_GiB}.count);
  CHECK(first.stages[1].name == "ready");
  REQUIRE(add_stages(opened->database, {"c", at(300), {}}, 2));
  boots = newest_boots(opened->database, 10);
  REQUIRE(boots->size() == 2);
  CHECK(boots->back().id == "b");
  auto left = opened->database.prepare("SELECT count(*) FROM stages");
  REQUIRE(*left->next());
  CHECK(left->number(0) == 0);
}

TEST_CASE("store: the boot in which a cache was new is found again, whatever came after") {
  constexpr std::array<std::string_view, 2> steps{ledger_step, ledger_generation_step};
  Tree tree;
  const auto opened = Database::open(tree.files(), path, {0x66740009, steps});
  REQUIRE(opened);
  const auto at = [](int seconds) {
    return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
  };
  REQUIRE(add_stages(opened->database, {"a", at(100), {}, {}}));
  REQUIRE(add_stages(opened->database, {"b", at(200), {{"cache", at(241), {}}}, "one"}));
  REQUIRE(add_stages(opened->database, {"b", at(200), {{"ready", at(260), {}}}, {}}));  // still that cache
  REQUIRE(add_stages(opened->database, {"c", at(300), {}, "one"}));
  REQUIRE(add_stages(opened->database, {"d", at(400), {}, "two"}));
  const auto first = first_boot(opened->database, "one");
  REQUIRE(first);
  REQUIRE(*first);
  CHECK((*first)->id == "b");
  CHECK((*first)->stages.size() == 2);
  CHECK((*first_boot(opened->database, "two"))->id == "d");
  CHECK_FALSE(*first_boot(opened->database, "three"));
  CHECK(newest_boots(opened->database, 1)->front().generation == "two");
}

TEST_CASE("store: text goes in and out as it is") {
  Tree tree;
  const auto opened = Database::open(tree.files(), path, one);
  REQUIRE(opened);
  auto insert = opened->database.prepare("INSERT INTO jobs VALUES (?, ?)");
  REQUIRE(insert->bind(0, std::string_view("'; DROP TABLE jobs; --")).bind(1, std::string_view()).run());
  auto query = opened->database.prepare("SELECT name, state FROM jobs");
  REQUIRE(*query->next());
  CHECK(query->text(0) == "'; DROP TABLE jobs; --");
  CHECK(query->text(1).empty());
  CHECK_FALSE(opened->database.prepare("SELECT nothing FROM nowhere"));
}
