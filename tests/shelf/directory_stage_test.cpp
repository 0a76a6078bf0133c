#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <functional>

#include "shelf/directory_node.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::FolderNode;
using fettle::test::ShareNode;
using fettle::test::StagingNode;

namespace {

const char* const chat = fettle::test::tiny_chat;
const char* const moe = fettle::test::tiny_moe;
const std::string commit = FolderNode::commit;
const std::string share = fettle::test::share;

void check_nothing_published(const StagingNode& node, const std::string& id) {
  CHECK_FALSE(*node.tree.files().exists(node.of(id, "/refs/main")));
  CHECK_FALSE(*node.tree.files().exists(node.of(id, "/snapshots")));
  CHECK_FALSE(*node.tree.files().exists(node.layout.hub() + "/.fettle-unpack-tiny"));
}

}  // namespace

TEST_CASE("stage: another cache on a share becomes ready here, and stays so without the share") {
  for (const char* hub : {"/mnt/share/hub", "/mnt/share"}) {
    CAPTURE(hub);
    ShareNode node(hub);
    const auto report = node.stage();
    REQUIRE(report);
    CAPTURE((report->error ? report->error->said : ""));
    CHECK(report->state == State::ready);
    CHECK(report->verified.bytes == report->total.bytes);
    CHECK(report->total.files == 10);
    node.check_ready(chat);
    node.check_ready(moe);
    CHECK(read_report(node.tree.files(), "tiny")->source == profile::Source::directory);
    node.tree.remove(share);
    CHECK(node.stage()->state == State::ready);
  }
}

TEST_CASE("stage: of a cache on a share a branch is the revision that the cache has under that name") {
  ShareNode node;
  node.shelf.repositories.clear();
  node.want(moe, "main");
  node.shelf.repositories[0].exclude = {"*.safetensors"};
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  CHECK(report->total.files == 2);
  node.shelf.repositories[0].revision = "v2";
  const auto other = node.stage();
  REQUIRE(other);
  CHECK(other->state == State::failed);
  CHECK(other->error->said.find("the cache has no revision 'v2' of it") != std::string::npos);
}

TEST_CASE("stage: F58 a blob that is wrong on the share is never published; with a good one it is") {
  ShareNode node;
  const std::string hub = share + "/hub/models--fettle-test--tiny-moe/blobs/";
  const std::string blob = node.tree.files().list(hub)->front();
  const std::string good = node.tree.read(hub + blob);
  node.tree.patch(hub + blob, 0, "damage");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::failed);
  CHECK(report->error->said.find("does not have the hash " + blob) != std::string::npos);
  check_nothing_published(node, moe);
  CHECK(*node.tree.files().exists(node.of(chat, "/refs/main")));
  node.tree.file(hub + blob, good);
  CHECK(node.stage()->state == State::ready);
  node.check_ready(moe);
}

TEST_CASE("stage: a plain folder is hashed, copied and compared; what its tool left there stays there") {
  FolderNode node;
  node.tree.file(share + "/o/n/.cache/huggingface/x.metadata", "x").link(share + "/o/n/.git", "/etc");
  const auto report = node.stage();
  REQUIRE(report);
  CAPTURE((report->error ? report->error->said : ""));
  CHECK(report->state == State::ready);
  CHECK(report->total.files == 2);
  node.check_ready("o/n");
  const std::string snapshot = node.of("o/n", "/snapshots/" + commit);
  CHECK(node.tree.read(node.of("o/n", "/refs/main")) == commit);
  CHECK(node.tree.read(snapshot + "/sub/weights.safetensors") == "weights");

  FolderNode branch;
  branch.shelf.repositories[0].revision = "main";
  const auto refused = branch.stage();
  REQUIRE(refused);
  CHECK(refused->state == State::refused);
  CHECK(refused->error->hint.find("write the commit in 'revision'") == 0);
}

TEST_CASE("stage: what is hostile or unreadable in a directory is refused with its place and reason") {
  struct Row {
    const char* name;
    std::function<void(FolderNode&)> spoil;
    const char* says;
  };
  const std::array rows{
      Row{"a link out", [](FolderNode& n) { n.tree.link(share + "/o/n/x", "/etc/passwd"); },
          "cannot take '/o/n/x': it is a link"},
      Row{"a link inside", [](FolderNode& n) { n.tree.link(share + "/o/n/x", "config.json"); },
          "cannot take '/o/n/x': it is a link"},
      Row{"a folder that is a link", [](FolderNode& n) { n.tree.link(share + "/o/n/sub/d", ".."); },
          "cannot take '/o/n/sub/d': it is a link"},
      Row{"a pipe",
          [](FolderNode& n) {
            REQUIRE(::mkfifo((n.tree.root() + FolderNode::there("/sub/pipe")).c_str(), 0600) == 0);
          },
          "cannot take '/o/n/sub/pipe': it is a device, a pipe or a socket"},
      Row{"names that differ in case", [](FolderNode& n) { n.tree.file(share + "/o/n/Config.JSON", "{}"); },
          "cannot take 'Config.JSON' and 'config.json': they differ only in the case"},
      Row{"a control character", [](FolderNode& n) { n.tree.file(share + "/o/n/a\x1b[2J", "{}"); },
          "cannot use 'a?[2J' as a name: it has a control character"},
      Row{"a backslash", [](FolderNode& n) { n.tree.file(share + "/o/n/a\\b", "{}"); },
          "cannot use 'a\\b' as a name: it has a backslash"},
      Row{"no file at all", [](FolderNode& n) { n.tree.remove(share + "/o/n").directory(share + "/o/n"); },
          "there is no file in it"},
      Row{"too deep",
          [](FolderNode& n) {
            std::string path = share + "/o/n";
            for (int i = 0; i < 40; ++i) path += "/d";
            n.tree.directory(path);
          },
          "the folders are too deep"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    FolderNode node;
    row.spoil(node);
    const auto report = node.stage();
    REQUIRE(report);
    CHECK(report->state == State::refused);
    REQUIRE(report->error);
    CAPTURE(report->error->said);
    CHECK(report->error->said.find("cannot copy 'o/n' from '/mnt/share': ") == 0);
    CHECK(report->error->said.find(row.says) != std::string::npos);
    CHECK_FALSE(report->error->hint.empty());
    check_nothing_published(node, "o/n");
  }
}

TEST_CASE("stage: a link in a cache on a share that leads to no blob of it is refused with its name") {
  ShareNode node;
  const std::string snapshot =
      share + "/hub/models--fettle-test--tiny-moe/snapshots/" + node.shelf.repositories[1].revision;
  node.tree.file("/etc/secret", "secret").link(snapshot + "/extra.json", "/etc/secret");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::refused);
  CHECK(report->error->said.find("its file 'extra.json' leads to no blob of the repository") !=
        std::string::npos);
  node.check_ready(chat);
  check_nothing_published(node, moe);
}

TEST_CASE("stage: a repository folder that is a link leads nowhere outside of the share") {
  FolderNode node;
  node.tree.remove(share + "/o").file("/etc/n/secret", "secret").link(share + "/o", "/etc");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::failed);
  CHECK(report->error->said.find("cannot find 'o/n' in '/mnt/share'") == 0);
  check_nothing_published(node, "o/n");
}

TEST_CASE(
    "stage: a file that vanished, changed or cannot be read fails with its place; whole again it is ready") {
  FolderNode node;
  REQUIRE(node.stage()->state == State::ready);
  const std::string weights = "/o/n/sub/weights.safetensors";
  const auto lose_and_stage = [&] {
    node.tree.remove(node.layout.hub());
    const auto report = node.stage();
    REQUIRE(report);
    check_nothing_published(node, "o/n");
    REQUIRE(report->error);
    return *report;
  };
  SUBCASE("vanished") {
    node.tree.remove(share + weights);
    const Report report = lose_and_stage();
    CHECK(report.state == State::failed);
    CHECK(report.error->said.find("cannot open '" + weights + "': No such file") != std::string::npos);
  }
  SUBCASE("another size") {
    node.tree.file(share + weights, "heavier weights");
    const Report report = lose_and_stage();
    CHECK(report.state == State::failed);
    CHECK(report.error->said.find("cannot copy '" + weights + "': it has 15 B, the list says 7 B") !=
          std::string::npos);
  }
  SUBCASE("another content") {
    node.tree.file(share + weights, "WEIGHTS");
    const Report report = lose_and_stage();
    CHECK(report.state == State::failed);
    CHECK(report.error->said.find("neither did a second copy") != std::string::npos);
  }
  SUBCASE("a link in its place") {
    node.tree.remove(share + weights).link(share + weights, "/etc/passwd");
    const Report report = lose_and_stage();
    CHECK(report.state != State::ready);
    CHECK(report.error->said.find("cannot open '" + weights + "'") != std::string::npos);
    node.tree.remove(share + weights);
  }
  node.tree.file(share + weights, "weights");
  CHECK(node.stage()->state == State::ready);
}

TEST_CASE("stage: files that the worker may not read are refused") {
  if (::geteuid() == 0) {
    MESSAGE("skipped: root may read everything");
    return;
  }
  FolderNode node;
  REQUIRE(node.tree.files().set_mode(share + "/o/n/config.json", 0));
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::refused);
  CHECK(report->error->said.find("'/o/n/config.json': Permission denied") != std::string::npos);
  CHECK(report->error->hint == "let the user of the stage worker, fettle-stage, read it");
}

TEST_CASE("stage: a share that is not mounted is waited for") {
  for (const char* what : {"no directory", "an empty one"}) {
    CAPTURE(what);
    FolderNode node;
    node.tree.remove(share);
    if (what[0] == 'a') node.tree.directory(share);
    const auto report = node.stage();
    REQUIRE(report);
    CHECK(report->state == State::held);
    CHECK(report->retry_at);
    CHECK(report->error->hint == "mount the share or the disk; the worker looks again by itself");
    node.tree.file(share + "/o/n/config.json", "{}");
    CHECK(node.stage()->state == State::ready);
  }
}
