// Staging is killed at every step point, started again, killed once more, and started again.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "shelf/directory_node.h"
#include "shelf/hub_node.h"
#include "shelf/inventory.h"
#include "shelf/verify.h"
#include "system/step_point.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::FolderNode;
using fettle::test::HubNode;
using fettle::test::ShareNode;
using fettle::test::StagingNode;
using fettle::test::tiny_chat;
using fettle::test::tiny_moe;

namespace {

// A kill is no power cut: what the kernel has, stays. So the trees lie in memory, where the thousands of
// flushes of this file cost nothing. Alive while the node is made.
class InMemory {
 public:
  InMemory() {
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 1);
  }
  ~InMemory() {
    if (before_.empty()) {
      ::unsetenv("TMPDIR");
    } else {
      ::setenv("TMPDIR", before_.c_str(), 1);
    }
  }
  InMemory(const InMemory&) = delete;
  InMemory& operator=(const InMemory&) = delete;

 private:
  std::string before_ = std::getenv("TMPDIR") == nullptr ? "" : std::getenv("TMPDIR");
};

// What a cache looks like before the first run; each of these is mended on the way.
void as_left_by_others(StagingNode& node, const std::string& id, const std::vector<File>& files) {
  const std::string blobs = node.of(id, "/blobs/");
  // The right size with the wrong content, visible under a name; a wrong size; what a killed client left.
  REQUIRE(files.size() >= 2);
  node.tree.file(blobs + files[0].blob, std::string(files[0].size.count, 'x'));
  node.tree.file(blobs + files[1].blob, std::string(files[1].size.count + 1, 'y'));
  node.tree.file(blobs + files[0].blob + ".0123abcd.incomplete", "half");
  for (const char* directory : {"/blobs", ""})
    REQUIRE(node.tree.files().set_mode(node.of(id, directory), 02775));
}

void clean(StagingNode& node) {
  node.tree.remove("/srv/fettle/hf").remove("/var/lib/fettle/stage").remove("/run/fettle/shelf");
  node.tree.directory("/srv/fettle/hf").directory("/run/fettle/shelf");
  REQUIRE(node.tree.files().set_mode("/srv/fettle/hf", 02775));
}

// Stages in a child that may die of it; gives the signal that ended it, or 0.
int run_in_child(StagingNode& node, unsigned die_at) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::setenv("FETTLE_DIE_AT", std::to_string(die_at).c_str(), 1);
    const auto report = node.stage();
    ::_exit(report && report->state == State::ready ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFEXITED(status)) CHECK(WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

bool is_good(const StagingNode& node, const std::string& id, const std::string& blob) {
  const std::string path = node.of(id, "/blobs/" + blob);
  const auto hash = digest(node.tree.files(), path, blob.size(), [](Bytes) { return true; });
  return hash && *hash == blob;
}

// The inodes of what is whole.
using Inodes = std::map<std::string, std::uint64_t>;

Inodes good_blobs(const StagingNode& node) {
  Inodes good;
  for (const profile::Repository& repository : node.shelf.repositories) {
    const auto names = node.tree.files().list(node.of(repository.id, "/blobs"));
    if (!names) continue;
    for (const std::string& name : *names) {
      if (!is_blob_name(name) || !is_good(node, repository.id, name)) continue;
      const std::string path = node.of(repository.id, "/blobs/" + name);
      good[path] = node.tree.files().look(path)->inode;
    }
  }
  return good;
}

// A repository that has its ref is whole, and every byte of it is right.
unsigned check_published_is_good(const StagingNode& node) {
  unsigned published = 0;
  for (const profile::Repository& repository : node.shelf.repositories) {
    if (!*node.tree.files().exists(node.of(repository.id, "/refs/main"))) continue;
    ++published;
    CHECK(node.tree.read(node.of(repository.id, "/refs/main")) == repository.revision);
    const auto found = find_repository(node.tree.files(), node.layout.hub(), repository.id);
    REQUIRE(found);
    CHECK_FALSE(found->error);
    REQUIRE(found->revisions.size() == 1);
    CHECK(found->revisions[0].broken == 0);
    CHECK(found->revisions[0].links.size() >= 2);
    for (const FoundLink& link : found->revisions[0].links) {
      CAPTURE(link.path);
      CHECK(is_good(node, repository.id, link.blob));
    }
  }
  return published;
}

void check_whole(const StagingNode& node) {
  CHECK(check_published_is_good(node) == node.shelf.repositories.size());
  for (const profile::Repository& repository : node.shelf.repositories) node.check_ready(repository.id);
  CHECK_FALSE(*node.tree.files().exists(node.layout.hub() + "/.fettle-unpack-tiny"));
}

struct Count {
  unsigned points = 0;
  unsigned kills = 0;
  unsigned resumes = 0;
};

// `begin` makes the cache as it is before the first run, `end` looks at what the source was asked.
Count kill_everywhere(StagingNode& node, const std::function<void()>& begin,
                      const std::function<void()>& end) {
  Count count;
  node.options.verify_threads = 1;
  for (unsigned first = 1;; ++first) {
    CAPTURE(first);
    clean(node);
    begin();
    if (run_in_child(node, first) == 0) {
      count.points = first - 1;
      return count;
    }
    ++count.kills;
    check_published_is_good(node);
    const Inodes before = good_blobs(node);
    // The resumed run dies too, at a place that differs from round to round; or ends well before it.
    const unsigned second = 1 + (first * 7) % 31;
    CAPTURE(second);
    ++count.resumes;
    if (run_in_child(node, second) == SIGKILL) {
      ++count.kills;
      check_published_is_good(node);
    }
    ++count.resumes;
    const auto report = node.stage();
    REQUIRE(report);
    CAPTURE((report->error ? report->error->said : ""));
    CHECK(report->state == State::ready);
    check_whole(node);
    for (const auto& [path, inode] : before) {
      CAPTURE(path);
      CHECK(node.tree.files().look(path)->inode == inode);  // what had come was not brought again
    }
    end();
  }
}

void tell(const std::string& what, const Count& count) {
  MESSAGE(what << ": " << count.points << " step points, " << count.kills << " kills, " << count.resumes
               << " resumes");
}

std::vector<File> large_first(const StagingNode& node, const std::string& id) {
  const auto found = find_repository(node.tree.files(), "/mnt/share/hub", id);
  REQUIRE(found);
  std::vector<File> files;
  for (const FoundBlob& blob : found->blobs) files.push_back({"", blob.info.size, blob.name});
  return files;
}

bool is_skipped() {
  if (!system::has_step_points()) MESSAGE("skipped: built without step points");
  return !system::has_step_points();
}

}  // namespace

TEST_CASE("stage: killed at any step from a cache on a share, the next run loses nothing and ends ready") {
  if (is_skipped()) return;
  const InMemory memory;
  ShareNode node;
  const std::vector<File> files = large_first(node, tiny_moe);
  const Count count = kill_everywhere(
      node, [&] { as_left_by_others(node, tiny_moe, files); }, [] {});
  tell("a cache on a share, with wrong blobs lying there", count);
  CHECK(count.points > 40);
}

TEST_CASE("stage: killed at any step from an archive, the next run loses nothing and ends ready") {
  if (is_skipped()) return;
  const InMemory memory;
  ShareNode node;
  node.use_tiny_archive();
  node.shelf.repositories.erase(node.shelf.repositories.begin());
  const Count count = kill_everywhere(
      node, [] {}, [] {});
  tell("an archive", count);
  CHECK(count.points > 30);
}

TEST_CASE("stage: killed at any step from a plain folder, the next run loses nothing and ends ready") {
  if (is_skipped()) return;
  const InMemory memory;
  FolderNode node;
  const Count count = kill_everywhere(
      node, [] {}, [] {});
  tell("a plain folder", count);
  CHECK(count.points > 15);
}

TEST_CASE("hub: killed at any step, one wrong byte on the way: nothing more is fetched for that") {
  if (is_skipped()) return;
  const InMemory memory;
  HubNode node;
  node.want_moe();
  int before = 0;
  const Count count = kill_everywhere(
      node,
      [&] {
        before = node.hub.requests("GET /bridge/");
        node.hub.faults(R"([{"match": "GET /bridge/", "kind": "wrong_byte", "times": 1}])");
      },
      // Once wrong, once right.
      [&] { CHECK(node.hub.requests("GET /bridge/") == before + 2); });
  tell("a hub that sends one wrong byte", count);
  CHECK(count.points > 20);
}
