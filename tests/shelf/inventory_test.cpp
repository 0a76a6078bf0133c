#include "shelf/inventory.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "support/tree.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::Tree;

namespace {

const Layout layout{"/hf"};
const std::string one(64, '1');
const std::string two(64, '2');
const std::string small(40, 'a');
const std::string first(40, 'c');
const std::string second(40, 'd');

// Two revisions that share a blob, as the client writes them.
void add_repository(Tree& tree) {
  const std::string top = "/hf/hub/models--o--n";
  tree.file(top + "/blobs/" + one, std::string(1000, 'x'));
  tree.file(top + "/blobs/" + two, std::string(300, 'x'));
  tree.file(top + "/blobs/" + small, "{}");
  for (const std::string& revision : {first, second}) {
    tree.link(top + "/snapshots/" + revision + "/model.safetensors", "../../blobs/" + one);
    tree.link(top + "/snapshots/" + revision + "/sub/config.json", "../../../blobs/" + small);
  }
  tree.link(top + "/snapshots/" + second + "/again.safetensors", "../../blobs/" + one);
  tree.file(top + "/refs/main", second);
  tree.file(top + "/refs/pr/1", first + "\n");
  tree.file(top + "/blobs/" + two + ".0123abcd.incomplete", "half");
  tree.file(top + "/trees/" + first + ".json", "{}");
}

}  // namespace

TEST_CASE("inventory: sizes, files, revisions with their refs, unfinished and unreferenced blobs") {
  Tree tree;
  add_repository(tree);
  const auto inventory = take_inventory(tree.files(), layout, 1);
  REQUIRE(inventory);
  REQUIRE(inventory->repositories.size() == 1);
  const RepositorySummary& repository = inventory->repositories[0];
  CHECK(repository.type == "model");
  CHECK(repository.id == "o/n");
  CHECK_FALSE(repository.error);
  CHECK(repository.amount.bytes.count == 1002);
  CHECK(repository.amount.files == 2);
  CHECK(repository.unfinished.bytes.count == 4);
  CHECK(repository.unfinished.files == 1);
  CHECK(repository.unreferenced.bytes.count == 300);
  CHECK(repository.unreferenced.files == 1);
  REQUIRE(repository.revisions.size() == 2);
  CHECK(repository.revisions[0].commit == first);
  CHECK(repository.revisions[0].refs == std::vector<std::string>{"pr/1"});
  CHECK(repository.revisions[1].refs == std::vector<std::string>{"main"});
  CHECK(repository.revisions[1].amount.bytes.count == 1002);  // a blob counts once
  CHECK(repository.revisions[1].amount.files == 2);
  CHECK(inventory->amount.bytes.count == 1002);
}

TEST_CASE("inventory: what other tools and other times left") {
  Tree tree;
  add_repository(tree);
  // A data set, a space, a repository without an owner, one without anything, files that are no repositories.
  tree.file("/hf/hub/datasets--o--d/blobs/" + one, "data");
  tree.link("/hf/hub/datasets--o--d/snapshots/" + first + "/d.bin", "../../blobs/" + one);
  tree.directory("/hf/hub/spaces--o--s").directory("/hf/hub/models--gpt2");
  tree.file("/hf/hub/CACHEDIR.TAG", "x")
      .directory("/hf/hub/.locks/models--o--n")
      .file("/hf/hub/models--file", "x");
  // A link to nothing, a copied file, a ref to a revision that is gone.
  const std::string top = "/hf/hub/models--o--n";
  tree.link(top + "/snapshots/" + first + "/lost.bin", "../../blobs/" + std::string(64, '9'));
  tree.file(top + "/snapshots/" + first + "/copied.txt", "copy");
  tree.file(top + "/refs/v1", std::string(40, 'e'));
  FoundRepository found;
  REQUIRE(walk(tree.files(), layout, 1, [&](FoundRepository&& one_of_them) {
    if (one_of_them.id == "o/n") found = std::move(one_of_them);
  }));
  REQUIRE(found.revisions.size() == 2);
  CHECK(found.revisions[0].broken == 1);
  CHECK(found.revisions[0].amount.bytes.count == 1006);
  CHECK(found.lost_refs == std::vector<std::string>{"v1"});

  const auto inventory = take_inventory(tree.files(), layout, 3);
  REQUIRE(inventory);
  std::vector<std::string> ids;
  for (const RepositorySummary& repository : inventory->repositories) {
    ids.push_back(repository.type + " " + repository.id);
    CHECK(repository.error.has_value() ==
          (repository.id == "file"));  // it is no directory: said, not left out
  }
  CHECK(ids == std::vector<std::string>{"dataset o/d", "model file", "model gpt2", "model o/n", "space o/s"});
}

TEST_CASE("inventory: a cache that is not there yet is empty, one that may not be read is an error") {
  Tree tree;
  const auto none = take_inventory(tree.files(), layout, 0);
  REQUIRE(none);
  CHECK(none->repositories.empty());
  tree.file("/hf/hub", "not a directory");
  CHECK_FALSE(take_inventory(tree.files(), layout, 0));
}

TEST_CASE(
    "inventory: links that lead out, loops, FIFOs and deep trees neither hang nor leave the repository") {
  Tree tree;
  add_repository(tree);
  const std::string revision = "/hf/hub/models--o--n/snapshots/" + first;
  tree.link(revision + "/up", "../../../..")
      .link(revision + "/self", ".")
      .link(revision + "/etc", "/etc/passwd");
  tree.link("/hf/hub/models--o--evil", "/").link("/hf/hub/models--o--n/refs/link", "/etc/passwd");
  REQUIRE(::mkfifo((tree.root() + "/hf/hub/models--o--n/refs/fifo").c_str(), 0600) == 0);
  REQUIRE(::mkfifo((tree.root() + "/hf/hub/models--o--n/blobs/fifo").c_str(), 0600) == 0);
  std::string deep = revision;
  for (int i = 0; i < 40; ++i) deep += "/d";
  tree.directory(deep);
  const auto inventory = take_inventory(tree.files(), layout, 2);
  REQUIRE(inventory);
  REQUIRE(inventory->repositories.size() == 2);
  CHECK(inventory->repositories[0].id == "o/evil");
  CHECK(inventory->repositories[0].error);
  CHECK(inventory->repositories[0].revisions.empty());
  CHECK(inventory->repositories[1].error->said.find("the folders are too deep") != std::string::npos);
  CHECK(inventory->repositories[1].revisions[0].broken == 3);
  CHECK(inventory->amount.bytes.count == 1002);
}

namespace {

// System calls of `work` in a child of its own, counted by tracing it.
long count_system_calls(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    work();
    ::_exit(0);
  }
  long stops = 0;
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  while (!WIFEXITED(status)) {
    REQUIRE(::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) == 0);
    REQUIRE(::waitpid(child, &status, 0) == child);
    ++stops;
  }
  REQUIRE(WEXITSTATUS(status) == 0);
  return stops / 2;  // one stop at its beginning, one at its end
}

}  // namespace

TEST_CASE("inventory: P3 at most two system calls a file, 30 a repository, and 400") {
  Tree tree;
  constexpr long repositories = 12;
  constexpr long files = 60;
  for (long r = 0; r < repositories; ++r) {
    const std::string top = "/hf/hub/models--o--n" + std::to_string(r);
    for (long f = 0; f < files; ++f) {
      std::string blob = std::to_string(f);
      blob.insert(0, 64 - blob.size(), '0');
      tree.file(top + "/blobs/" + blob, "x");
      tree.link(top + "/snapshots/" + first + "/f" + std::to_string(f), "../../blobs/" + blob);
    }
    tree.file(top + "/refs/main", first);
  }
  const long calls = count_system_calls([&] {
    const auto inventory = take_inventory(tree.files(), layout, 1);
    if (!inventory || inventory->amount.files != repositories * files) ::_exit(1);
  });
  CHECK(calls > repositories * files * 2);  // it did look
  CHECK(calls <= repositories * files * 2 + repositories * 30 + 400);
}
