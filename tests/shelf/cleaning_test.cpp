#include "shelf/cleaning.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>

#include "shelf/adopt.h"
#include "shelf/lock_file.h"
#include "shelf/orders.h"
#include "shelf/staging.h"
#include "system/in_use.h"
#include "system/lock.h"

using namespace fettle;
using namespace fettle::shelf;
using namespace std::chrono_literals;
using fettle::test::StagingNode;

namespace {

const char* const chat = "fettle-test/tiny-chat";
const char* const moe = "fettle-test/tiny-moe";
const auto quiet = [](Bytes, Bytes) {};

struct StagedNode : StagingNode {
  StagedNode() {
    use_tiny_archive();
    const auto report = stage();
    REQUIRE(report);
    REQUIRE(report->state == State::ready);
  }

  Cleaning gc(Detached detached = Detached::keep) {
    auto proposal = propose_gc(machine(), profile, detached);
    REQUIRE(proposal);
    return std::move(*proposal);
  }

  std::size_t blobs(const std::string& id) const {
    const auto names = tree.files().list(of(id, "/blobs"));
    return names ? names->size() : 0;
  }
};

bool names(const Cleaning& cleaning, const std::string& name) {
  return std::any_of(cleaning.removals.begin(), cleaning.removals.end(),
                     [&](const Removal& one) { return one.name == name; });
}

}  // namespace

TEST_CASE("gc: a cache in which everything is needed gives nothing to remove") {
  StagedNode node;
  const Cleaning proposal = node.gc();
  CHECK(proposal.removals.empty());
  CHECK(proposal.bytes.count == 0);
}

TEST_CASE("gc: orphans and blobs that nothing needs are proposed, and removed only on request") {
  StagedNode node;
  const std::string orphan(64, 'e');
  const std::string half = std::string(64, 'f') + ".0123abcd.incomplete";
  node.tree.file(node.of(chat, "/blobs/" + orphan), "orphan").file(node.of(chat, "/blobs/" + half), "half");
  const Cleaning proposal = node.gc();
  REQUIRE(proposal.removals.size() == 2);
  CHECK(names(proposal, orphan));
  CHECK(names(proposal, half));
  CHECK(proposal.bytes.count == 10);
  CHECK(*node.tree.files().exists(node.of(chat, "/blobs/" + orphan)));
  const auto done = carry_out(node.machine(), node.profile, proposal);
  REQUIRE(done);
  CHECK(done->bytes.count == 10);
  CHECK_FALSE(*node.tree.files().exists(node.of(chat, "/blobs/" + orphan)));
  CHECK_FALSE(*node.tree.files().exists(node.of(chat, "/blobs/" + half)));
  CHECK(node.gc().removals.empty());
  node.check_ready(chat);
  CHECK(node.stage()->state == State::ready);
}

TEST_CASE("gc: what a shelf needs stays, even when no revision points at it") {
  StagedNode node;
  const std::string commit = node.tree.read(node.of(moe, "/refs/main"));
  node.tree.remove(node.of(moe, "/snapshots/" + commit)).remove(node.of(moe, "/refs/main"));
  CHECK(node.gc().removals.empty());
  CHECK(node.gc(Detached::remove).removals.empty());
}

TEST_CASE("gc: what is open, mapped or locked stays, and is said") {
  StagedNode node;
  const std::string orphan = std::string(64, 'e');
  const std::string path = node.of(chat, "/blobs/" + orphan);
  node.tree.file(path, std::string(8192, 'x'));
  const Cleaning proposal = node.gc();
  REQUIRE(names(proposal, orphan));
  {
    const auto open = node.tree.files().open_at(path, O_RDONLY);
    REQUIRE(open);
    const auto done = carry_out(node.machine(), node.profile, proposal);
    REQUIRE(done);
    CHECK(done->removals.empty());
    REQUIRE(done->kept.size() == 1);
    CHECK(done->kept[0].why == "a program has it open");
  }
  {
    auto open = node.tree.files().open_at(path, O_RDONLY);
    REQUIRE(open);
    void* const map = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, open->get(), 0);
    REQUIRE(map != MAP_FAILED);
    open = fail(Why::failed, "closed");  // the mapping alone is left
    CHECK(*system::is_in_use(node.tree.files(), path));
    CHECK(carry_out(node.machine(), node.profile, proposal)->removals.empty());
    ::munmap(map, 4096);
    CHECK_FALSE(*system::is_in_use(node.tree.files(), path));
  }
  {
    const auto lock = system::lock_file(node.tree.files(), node.layout.lock(chat, orphan), node.clock, 0ms);
    REQUIRE(lock);
    const auto done = carry_out(node.machine(), node.profile, proposal);
    REQUIRE(done->kept.size() == 1);
    CHECK(done->kept[0].why == "somebody works on it");
  }
  CHECK(*node.tree.files().exists(path));
  CHECK(carry_out(node.machine(), node.profile, proposal)->removals.size() == 1);
  CHECK_FALSE(*node.tree.files().exists(path));
}

TEST_CASE("gc: a revision without a ref is kept unless it is asked for") {
  StagedNode node;
  const std::string commit(40, 'd');
  const std::string blob(64, 'e');
  const std::string top = "/srv/fettle/hf/hub/models--other--tool";
  node.tree.file(top + "/blobs/" + blob, "weights")
      .link(top + "/snapshots/" + commit + "/sub/w.bin", "../../../blobs/" + blob);
  const Cleaning careful = node.gc();
  CHECK(careful.removals.empty());
  REQUIRE(careful.kept.size() == 1);
  CHECK(careful.kept[0].path == "models--other--tool/snapshots/" + commit);
  const Cleaning bold = node.gc(Detached::remove);
  REQUIRE(bold.removals.size() == 2);
  CHECK(bold.removals[0].kind == RemovalKind::revision);
  CHECK(bold.removals[1].name == blob);
  REQUIRE(carry_out(node.machine(), node.profile, bold));
  CHECK_FALSE(*node.tree.files().exists(top));
}

TEST_CASE("gc: a repository that a wanted shelf names, and whose files are not known yet, is left alone") {
  StagedNode node;
  profile::Shelf wanted;
  wanted.name = "later";
  profile::Repository repository;
  repository.id = "o/later";
  repository.revision = "main";
  wanted.repositories.push_back(repository);
  node.profile.shelves.push_back(wanted);
  node.tree.file("/srv/fettle/hf/hub/models--o--later/blobs/" + std::string(64, 'e'), "x");
  const Cleaning proposal = node.gc();
  CHECK(proposal.removals.empty());
  REQUIRE(proposal.kept.size() == 1);
  CHECK(proposal.kept[0].path == "models--o--later");
}

TEST_CASE("gc: records that were lost a moment ago are no reason to remove anything") {
  StagedNode node;
  node.tree.file("/var/lib/fettle/stage/shelves.db", std::string(8192, 'g'));
  node.tree.remove("/var/lib/fettle/stage/shelves.db-wal").remove("/var/lib/fettle/stage/shelves.db-shm");
  const auto proposal = propose_gc(node.machine(), node.profile, Detached::remove);
  REQUIRE_FALSE(proposal);
  CHECK(proposal.error().said.find("cannot tell what shelves need") == 0);
}

TEST_CASE("remove: takes what the shelf alone needs, and leaves what another one has in common with it") {
  StagedNode node;
  node.shelf.name = "second";
  node.want(moe, node.tree.read(node.of(moe, "/refs/main")));
  REQUIRE(node.stage()->state == State::ready);
  const std::size_t shared = node.blobs(moe);
  const auto proposal = propose_removal(node.machine(), node.profile, "tiny");
  REQUIRE(proposal);
  for (const Removal& one : proposal->removals) CHECK(one.folder == "models--fettle-test--tiny-chat");
  REQUIRE(carry_out(node.machine(), node.profile, *proposal));
  REQUIRE(forget_shelf(node.machine(), "tiny"));
  CHECK_FALSE(*node.tree.files().exists(node.of(chat, "")));
  CHECK(node.blobs(moe) == shared);
  node.check_ready(moe);
  CHECK(propose_removal(node.machine(), node.profile, "tiny").error().why == Why::missing);
}

TEST_CASE("remove: a revision that another ref names stays") {
  StagedNode node;
  node.tree.file(node.of(chat, "/refs/v1"), node.tree.read(node.of(chat, "/refs/main")));
  const auto proposal = propose_removal(node.machine(), node.profile, "tiny");
  REQUIRE(proposal);
  CHECK(std::none_of(proposal->removals.begin(), proposal->removals.end(),
                     [](const Removal& one) { return one.folder == "models--fettle-test--tiny-chat"; }));
  CHECK(proposal->kept.size() == 1);
}

TEST_CASE("lock: the same bytes are staged from it, and a source that gives others fails") {
  StagedNode node;
  const auto manifests = resolve_all(node.machine(), node.profile, node.shelf, node.options, Pins::known);
  REQUIRE(manifests);
  REQUIRE(manifests->size() == 2);
  node.tree.file(lock_path("tiny"), to_json(*manifests));
  node.tree.remove("/var/lib/fettle/stage").remove("/srv/fettle/hf/hub");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  node.check_ready(chat);

  // Another hash in the lock: the archive's bytes are not what was agreed on.
  auto other = *manifests;
  other[1].files[0].blob = std::string(64, '7');
  node.tree.file(lock_path("tiny"), to_json(other));
  node.tree.remove("/var/lib/fettle/stage").remove("/srv/fettle/hf/hub");
  CHECK(node.stage()->state == State::failed);
  CHECK_FALSE(*node.tree.files().exists(node.of(other[1].id, "/refs/main")));
}

TEST_CASE("lock: one that is broken, or does not know a repository, is a failure with advice") {
  StagedNode node;
  node.tree.file(lock_path("tiny"), "{");
  auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::failed);
  CHECK(report->error->said.find(lock_path("tiny")) != std::string::npos);
  const auto manifests = resolve_all(node.machine(), node.profile, node.shelf, node.options, Pins::known);
  REQUIRE(manifests);
  node.tree.file(lock_path("tiny"), to_json({manifests->front()}));
  report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::failed);
  CHECK(report->error->hint.find("fettle shelf lock tiny") != std::string::npos);
}

TEST_CASE("adopt: what other tools left is verified in place and becomes a shelf that needs no network") {
  StagedNode node;
  node.tree.remove("/var/lib/fettle/stage");  // nobody remembers how it came here
  const auto before = node.tree.files().look(node.largest_blob(chat));
  auto adopted = adopt(node.machine(), node.profile, {}, {}, quiet);
  REQUIRE(adopted);
  REQUIRE(adopted->manifests.size() == 2);
  CHECK(adopted->damages.empty());
  CHECK(adopted->left_out.empty());
  REQUIRE(write_shelf(node.tree.files(), "mine", adopted->manifests));
  REQUIRE(write_shelf(node.tree.files(), "mine", adopted->manifests));
  adopted->manifests.pop_back();
  CHECK(write_shelf(node.tree.files(), "mine", adopted->manifests).error().why == Why::refused);

  node.shelf = {};
  node.shelf.name = "mine";
  node.shelf.source = profile::Source::hub;
  node.shelf.endpoint = "http://127.0.0.1:9";  // nobody is there
  for (const char* id : {chat, moe}) node.want(id, node.tree.read(node.of(id, "/refs/main")));
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  CHECK(node.tree.files().look(node.largest_blob(chat))->inode == before->inode);
}

TEST_CASE(
    "adopt: damage, missing files and repositories without a clear revision are left out, each with its "
    "reason") {
  StagedNode node;
  node.tree.remove("/var/lib/fettle/stage");
  node.tree.patch(node.largest_blob(moe), 100, "damage");
  node.tree.directory("/srv/fettle/hf/hub/models--o--empty");
  node.tree.link("/srv/fettle/hf/hub/models--o--broken/snapshots/" + std::string(40, 'a') + "/x",
                 "../../blobs/gone");
  const auto adopted = adopt(node.machine(), node.profile, {}, {}, quiet);
  REQUIRE(adopted);
  REQUIRE(adopted->manifests.size() == 1);
  CHECK(adopted->manifests[0].id == chat);
  REQUIRE(adopted->damages.size() == 1);
  CHECK(adopted->damages[0].repository == moe);
  REQUIRE(adopted->left_out.size() == 2);
  for (const Kept& one : adopted->left_out)
    CHECK(one.why ==
          (one.path == "o/empty" ? "it has no revision" : "its file 'x' leads to no blob of the repository"));
  CHECK(adopt(node.machine(), node.profile, {"o/none"}, {}, quiet).error().why == Why::missing);
  CHECK(adopt(node.machine(), node.profile, {chat}, {}, quiet)->damages.empty());
}

TEST_CASE("orders: a held shelf does nothing until it is resumed; cancel is obeyed once") {
  StagedNode node;
  node.tree.remove("/var/lib/fettle/stage").remove("/srv/fettle/hf/hub");
  REQUIRE(give_order(node.machine(), "tiny", Order::hold));
  CHECK(*order_of(node.tree.files(), "tiny") == Order::hold);
  auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::held);
  CHECK(report->error->hint == "`fettle shelf resume tiny` lets it go on");
  CHECK_FALSE(report->retry_at);
  CHECK_FALSE(*node.tree.files().exists(node.layout.hub()));
  REQUIRE(give_order(node.machine(), "tiny", Order::none));
  CHECK(node.stage()->state == State::ready);

  // An order to cancel that came when nobody worked is over.
  REQUIRE(give_order(node.machine(), "tiny", Order::cancel));
  CHECK(node.stage()->state == State::ready);
  CHECK(*order_of(node.tree.files(), "tiny") == Order::none);
}
