#include "shelf/verify.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>

#include "support/tree.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::Tree;

namespace {

const auto go_on = [](Bytes) { return true; };

// Published values for "" and "abc".
const std::string sha256_empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const std::string sha256_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const std::string git_empty = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
const std::string git_abc = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f";

std::map<std::size_t, bool> run(const Tree& tree, const std::vector<Wanted>& wanted, unsigned threads) {
  std::map<std::size_t, bool> answers;
  Bytes last;
  Listener listener;
  listener.checked = [&](const Checked& checked) -> Result<void> {
    answers[checked.index] = checked.same;
    return {};
  };
  listener.tick = [&](Bytes hashed) -> Result<void> {
    CHECK(hashed >= last);
    last = hashed;
    return {};
  };
  REQUIRE(verify(tree.files(), wanted, {threads}, listener));
  return answers;
}

}  // namespace

TEST_CASE("verify: known answers of SHA-256 and of git") {
  Tree tree;
  tree.file("/empty").file("/abc", "abc");
  CHECK(*digest(tree.files(), "/empty", 64, go_on) == sha256_empty);
  CHECK(*digest(tree.files(), "/abc", 64, go_on) == sha256_abc);
  CHECK(*digest(tree.files(), "/empty", 40, go_on) == git_empty);
  CHECK(*digest(tree.files(), "/abc", 40, go_on) == git_abc);
}

TEST_CASE("verify: a file of several blocks, with its bytes counted") {
  Tree tree;
  tree.file("/x", std::string(3'000'001, 'x'));
  std::uint64_t seen = 0;
  REQUIRE(digest(tree.files(), "/x", 64, [&](Bytes bytes) {
    seen += bytes.count;
    return true;
  }));
  CHECK(seen == 3'000'001);
}

TEST_CASE("verify: what cannot be read is an error, never a match") {
  Tree tree;
  tree.file("/abc", "abc").link("/link", "abc").directory("/dir");
  CHECK(digest(tree.files(), "/none", 64, go_on).error().why == Why::missing);
  CHECK_FALSE(digest(tree.files(), "/link", 64, go_on));
  CHECK(digest(tree.files(), "/dir", 64, go_on).error().said ==
        "cannot read '/dir': it is not a regular file");
}

TEST_CASE("verify: a file that changes while it is read is an error") {
  Tree tree;
  tree.file("/x", std::string(2'000'000, 'x'));
  const auto changed = digest(tree.files(), "/x", 64, [&](Bytes) {
    std::ofstream(tree.root() + "/x", std::ios::app) << "more";
    return true;
  });
  REQUIRE_FALSE(changed);
  CHECK(changed.error().said == "cannot read '/x': it changed while it was read");
  CHECK(digest(tree.files(), "/x", 64, [](Bytes) { return false; }).error().why == Why::refused);
}

TEST_CASE("verify: each file is compared with its own name, on any number of threads") {
  Tree tree;
  std::vector<Wanted> wanted;
  for (int i = 0; i < 20; ++i) {
    const std::string path = "/blob" + std::to_string(i);
    tree.file(path, i % 5 == 3 ? "abd" : "abc");
    wanted.push_back({path, i % 2 == 0 ? sha256_abc : git_abc, {3}});
  }
  wanted.push_back({"/blob0", sha256_abc, {4}});  // the wrong size
  for (const unsigned threads : {1U, 4U, 0U}) {
    CAPTURE(threads);
    const auto answers = run(tree, wanted, threads);
    REQUIRE(answers.size() == wanted.size());
    for (std::size_t i = 0; i < 20; ++i) CHECK(answers.at(i) == (i % 5 != 3));
    CHECK_FALSE(answers.at(20));
  }
  CHECK(run(tree, {}, 4).empty());
}

TEST_CASE("verify: the first error ends it") {
  Tree tree;
  tree.file("/abc", "abc");
  Listener listener{[](const Checked&) -> Result<void> { return {}; },
                    [](Bytes) -> Result<void> { return {}; }};
  CHECK(verify(tree.files(), {{"/abc", sha256_abc, {3}}, {"/none", sha256_abc, {3}}}, {2}, listener)
            .error()
            .why == Why::missing);
  listener.checked = [](const Checked&) -> Result<void> { return fail(Why::failed, "cannot remember it"); };
  CHECK(verify(tree.files(), {{"/abc", sha256_abc, {3}}}, {2}, listener).error().said ==
        "cannot remember it");
}

TEST_CASE(
    "verify: large and small files beside each other, more than there are threads, each with its own "
    "answer") {
  Tree tree;
  std::vector<Wanted> wanted;
  for (int i = 0; i < 9; ++i) {
    const std::string path = "/blob" + std::to_string(i);
    const std::string content(static_cast<std::size_t>(i) * 700'001, static_cast<char>('a' + i));
    tree.file(path, content);
    wanted.push_back({path, *digest(tree.files(), path, 64, go_on), {content.size()}});
  }
  tree.patch("/blob7", 3'000'000, "?");
  for (const unsigned threads : {1U, 2U}) {
    const auto answers = run(tree, wanted, threads);
    REQUIRE(answers.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CAPTURE(i);
      CHECK(answers.at(i) == (i != 7));
    }
  }
}

TEST_CASE("verify: a rate is kept by waiting, and without one nobody waits") {
  using std::chrono::milliseconds;
  CHECK(pause_of({1'000'000}, {}, milliseconds(0)).count() == 0);
  CHECK(pause_of({1'000'000}, {1'000'000}, milliseconds(0)) == milliseconds(1000));
  CHECK(pause_of({1'000'000}, {1'000'000}, milliseconds(400)) == milliseconds(600));
  CHECK(pause_of({1'000'000}, {1'000'000}, milliseconds(1500)).count() == 0);
  CHECK(pause_of({50'000'000'000'000}, {1'000'000}, milliseconds(1)) == milliseconds(49'999'999'999));
}
