// What becomes of a copy from a directory when the other disk or the cache fails in the middle of it.
#include <doctest/doctest.h>

#include <fstream>

#include "shelf/apart.h"
#include "shelf/directory_node.h"
#include "shelf/lock_file.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::apart;
using fettle::test::FolderNode;
using fettle::test::mount_small;

namespace {

// Takes all that is left, as another program would.
void fill(const std::string& file) {
  std::ofstream filler(file);
  const std::string block(1 << 16, 'x');
  while (filler.write(block.data(), static_cast<std::streamsize>(block.size())) && filler.flush()) {
  }
}

// Bits of what was wrong, as the exit code of the child.
enum Wrong { not_held = 1, not_said = 2, published = 4, left_behind = 8, not_ready = 16, no_mount = 32 };

int judge_held(const system::Files& files, const FolderNode& node, const Result<Report>& report,
               const char* said, std::chrono::seconds later) {
  int wrong = 0;
  if (!report || report->state != State::held || !report->retry_at) return not_held;
  const auto rest = *report->retry_at - report->updated_at;
  if (rest < later - std::chrono::seconds(5) || rest > later + std::chrono::seconds(5)) wrong |= not_held;
  if (report->error->said.find(said) == std::string::npos || report->error->hint.empty()) {
    MESSAGE(report->error->said);
    wrong |= not_said;
  }
  if (*files.exists(node.of("o/n", "/refs/main")) || *files.exists(node.of("o/n", "/snapshots")))
    wrong |= published;
  if (*files.exists(node.layout.hub() + "/.fettle-unpack-tiny")) wrong |= left_behind;
  return wrong;
}

}  // namespace

TEST_CASE(
    "stage: F59 a cache that fills up in the middle of a copy: held, nothing left behind, and on it goes") {
  FolderNode node;
  const std::string large(3 << 20, 'w');
  node.tree.file(FolderNode::there("/a.safetensors"), large + "a")
      .file(FolderNode::there("/b.safetensors"), large + "b");
  const std::string home = node.tree.root() + "/srv/fettle/hf";
  const int wrong = apart([&] {
    if (!mount_small(home, "size=16m")) return static_cast<int>(no_mount);
    // Opened again: the descriptor from before leads below the mount.
    const auto inside = system::Files::open(node.tree.root());
    const auto stage = [&] {
      return shelf::stage({*inside, *node.runner, node.clock}, node.profile, node.shelf, node.options);
    };
    node.options.published = [&](const Report& now) {
      if (now.state == State::fetching) fill(home + "/filler");
    };
    const auto report = stage();
    node.options.published = {};
    int code = judge_held(*inside, node, report, "No space left on device", std::chrono::seconds(300));
    ::unlink((home + "/filler").c_str());
    const auto again = stage();
    if (!again || again->state != State::ready) code |= not_ready;
    return code;
  });
  if (wrong == 77) {
    MESSAGE("skipped: this user may not have mounts of its own");
    return;
  }
  CHECK(wrong == 0);
}

TEST_CASE(
    "stage: a disk that gives an I/O error in the middle of a copy is tried again, nothing is published") {
  FolderNode node;
  REQUIRE(node.stage()->state == State::ready);  // by now the list is known
  node.tree.remove(node.layout.hub());
  const std::string weights = node.tree.root() + FolderNode::there("/sub/weights.safetensors");
  const int wrong = apart([&] {
    // Reading the memory of a process at an address that it does not have is an I/O error.
    if (::mount("/proc/self/mem", weights.c_str(), nullptr, MS_BIND, nullptr) != 0)
      return static_cast<int>(no_mount);
    const auto inside = system::Files::open(node.tree.root());
    const auto stage = [&] {
      return shelf::stage({*inside, *node.runner, node.clock}, node.profile, node.shelf, node.options);
    };
    const auto report = stage();
    int code = judge_held(*inside, node, report, "Input/output error", std::chrono::seconds(60));
    if (::umount2(weights.c_str(), MNT_DETACH) != 0) code |= no_mount;
    const auto again = stage();
    if (!again || again->state != State::ready) code |= not_ready;
    return code;
  });
  if (wrong == 77) {
    MESSAGE("skipped: this user may not have mounts of its own");
    return;
  }
  CHECK(wrong == 0);
}

TEST_CASE("stage: a disk that gives an I/O error while a plain folder is hashed is tried again") {
  FolderNode node;
  const std::string weights = node.tree.root() + FolderNode::there("/sub/weights.safetensors");
  const int wrong = apart([&] {
    if (::mount("/proc/self/mem", weights.c_str(), nullptr, MS_BIND, nullptr) != 0)
      return static_cast<int>(no_mount);
    const auto inside = system::Files::open(node.tree.root());
    const auto report =
        shelf::stage({*inside, *node.runner, node.clock}, node.profile, node.shelf, node.options);
    return judge_held(*inside, node, report, "Input/output error", std::chrono::seconds(60));
  });
  if (wrong == 77) {
    MESSAGE("skipped: this user may not have mounts of its own");
    return;
  }
  CHECK(wrong == 0);
}

TEST_CASE("stage: a plain folder with a lock is held to the lock's hashes, not to what lies in it") {
  FolderNode locked;
  const auto manifests =
      resolve_all(locked.machine(), locked.profile, locked.shelf, locked.options, Pins::known);
  REQUIRE(manifests);

  for (const bool is_damaged : {false, true}) {
    CAPTURE(is_damaged);
    FolderNode node;
    node.tree.file(lock_path("tiny"), to_json(*manifests));
    if (is_damaged) node.tree.file(FolderNode::there("/sub/weights.safetensors"), "WEIGHTS");
    const auto report = node.stage();
    REQUIRE(report);
    CAPTURE((report->error ? report->error->said : ""));
    // Without a lock the damaged content would be what is believed.
    CHECK(report->state == (is_damaged ? State::failed : State::ready));
    if (is_damaged) {
      CHECK(report->error->said.find("'sub/weights.safetensors' of 'o/n': it does not have the hash") !=
            std::string::npos);
      CHECK_FALSE(*node.tree.files().exists(node.of("o/n", "/refs/main")));
      node.tree.file(FolderNode::there("/sub/weights.safetensors"), "weights");
      CHECK(node.stage()->state == State::ready);
    }
  }
}
