// Caches in which a client since 1.3x has put blobs into its store beside the repositories, as a user's own
// download in the same cache does.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>

#include "shelf/adopt.h"
#include "shelf/cleaning.h"
#include "shelf/directory_node.h"
#include "shelf/shelf.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::ShareNode;
using fettle::test::StagingNode;
using fettle::test::tiny_chat;
using fettle::test::tiny_moe;

namespace {

const auto quiet = [](Bytes, Bytes) {};
const std::string entry = "ab" + std::string(62, '0');

std::string store_path(const std::string& hub, const std::string& name = entry) {
  return hub + "/blobs/" + name.substr(0, 2) + "/" + name;
}

// Moves a blob into the store and leaves the link, with everything that the client puts beside it.
void share_blob(test::Tree& tree, const std::string& hub, const std::string& id, const std::string& name) {
  const std::string blob = hub + "/" + Layout::folder(id) + "/blobs/" + name;
  tree.file(hub + "/blobs/.huggingface-shared-blobs", "1\n").file(hub + "/CACHEDIR.TAG", "Signature");
  tree.file(store_path(hub) + ".lock").file(store_path(hub) + ".refs", Layout::folder(id) + "/blobs/x\n");
  REQUIRE(tree.files().rename(blob, store_path(hub)));
  REQUIRE(tree.files().set_mode(store_path(hub), 0444));
  tree.link(blob, "../../blobs/ab/" + entry);
}

std::string name_of(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

// The tiny archive is staged, and the largest blob of tiny-moe lies in the store.
struct SharedNode : StagingNode {
  SharedNode() {
    use_tiny_archive();
    REQUIRE(stage()->state == State::ready);
    blob = name_of(largest_blob(tiny_moe));
    share_blob(tree, layout.hub(), tiny_moe, blob);
  }

  std::string path() const { return layout.blob(tiny_moe, blob); }
  system::Kind kind() const { return tree.files().look(path())->kind; }
  std::string in_store() const { return store_path(layout.hub()); }

  std::string blob;
};

}  // namespace

TEST_CASE("shared store: only a link that the client writes leads into it") {
  CHECK(store_entry("../../blobs/ab/" + entry) == entry);
  for (const std::string& other :
       {std::string("../../blobs/"), "../../blobs/ac/" + entry, "../../blobs/ab/" + entry + "/x",
        "../../blobs/ab/" + entry.substr(1), "../blobs/ab/" + entry, "/srv/fettle/hf/hub/blobs/ab/" + entry,
        "../../blobs/ab/AB" + std::string(62, '0'), "../../blobs/ab/../ab/" + entry,
        std::string("../../blobs/a")}) {
    CAPTURE(other);
    CHECK_FALSE(store_entry(other));
  }
}

TEST_CASE(
    "shared store: a blob in it is present, verified through the link, exported, and nothing is changed") {
  SharedNode node;
  const auto before = node.tree.files().look(node.in_store());
  REQUIRE(before);
  CHECK(node.stage()->state == State::ready);
  CHECK(node.kind() == system::Kind::link);
  const auto verified = verify_again(node.machine(), node.profile, "tiny", {}, quiet);
  REQUIRE(verified);
  CHECK(verified->damages.empty());
  CHECK(node.stage()->state == State::ready);
  REQUIRE(export_archive(node.machine(), node.profile, "tiny", "/copy.tar", quiet));
  const auto after = node.tree.files().look(node.in_store());
  REQUIRE(after);
  CHECK(after->inode == before->inode);
  CHECK(after->mode == 0444);

  StagingNode other;
  other.shelf.source = profile::Source::archive;
  other.shelf.archive = "/copy.tar";
  other.tree.file("/copy.tar", node.tree.read("/copy.tar"));
  CHECK(other.stage()->state == State::ready);
  other.check_ready(tiny_moe);
}

TEST_CASE("shared store: the inventory counts an entry once, gc leaves it to the client") {
  SharedNode node;
  auto inventory = take_inventory(node.tree.files(), node.layout, 1);
  REQUIRE(inventory);
  const Bytes all = inventory->amount.bytes;
  const Bytes size = node.tree.files().look(node.in_store())->size;
  CHECK(inventory->shared.files == 1);
  CHECK(inventory->shared.bytes == size);
  CHECK(inventory->store.files == 1);
  // A second repository has the same blob.
  const std::string second = node.layout.hub() + "/models--a--b";
  node.tree.link(second + "/blobs/" + node.blob, "../../blobs/ab/" + entry);
  node.tree.link(second + "/snapshots/" + std::string(40, 'd') + "/model.safetensors",
                 "../../blobs/" + node.blob);
  node.tree.file(second + "/refs/main", std::string(40, 'd'));
  node.tree.file(store_path(node.layout.hub(), "cd" + std::string(62, '1')), "nobody's");
  inventory = take_inventory(node.tree.files(), node.layout, 1);
  REQUIRE(inventory);
  CHECK(inventory->amount.bytes == all);
  CHECK(inventory->shared.files == 1);
  CHECK(inventory->store.files == 2);
  for (const RepositorySummary& one : inventory->repositories) {
    CAPTURE(one.id);
    CHECK_FALSE(one.error);
    CHECK(one.shared.files == (one.id == tiny_chat ? 0 : 1));
    CHECK(one.unreferenced.files == 0);
    for (const RevisionSummary& revision : one.revisions) CHECK(revision.broken == 0);
  }
  const auto adopted = adopt(node.machine(), node.profile, {"a/b"}, {}, quiet);
  REQUIRE(adopted);
  CHECK(adopted->manifests.size() == 1);
  CHECK(adopted->damages.empty());

  const auto removal = propose_removal(node.machine(), node.profile, "tiny");
  REQUIRE(removal);
  for (const Removal& one : removal->removals) CHECK(one.name != node.blob);
  CHECK(std::any_of(removal->kept.begin(), removal->kept.end(), [&](const Kept& one) {
    return one.path.ends_with(node.blob) && one.why.find("hf cache prune") != std::string::npos;
  }));
  REQUIRE(carry_out(node.machine(), node.profile, *removal));
  CHECK(node.kind() == system::Kind::link);
  CHECK(node.tree.files().look(node.in_store())->size == size);
}

TEST_CASE("shared store: a wrong byte in an entry: our own copy is fetched, the entry stays and is named") {
  SharedNode node;
  REQUIRE(node.tree.files().set_mode(node.in_store(), 0644));
  node.tree.patch(node.in_store(), 30000, "\x01\x02");
  const std::string wrong = node.tree.read(node.in_store());
  CHECK(node.stage()->state == State::ready);
  CHECK(node.kind() == system::Kind::file);
  CHECK(node.tree.read(node.in_store()) == wrong);
  // The event names it.
  CHECK(node.tree.read("/var/lib/fettle/stage/shelves.db").find("in '" + node.in_store() + "'") !=
        std::string::npos);
  node.check_ready(tiny_moe);
  CHECK(verify_again(node.machine(), node.profile, "tiny", {}, quiet)->damages.empty());
}

TEST_CASE(
    "shared store: a link elsewhere, to nothing, or to what others may not read is replaced by our own") {
  struct Row {
    const char* name;
    const char* target;
    mode_t mode;
  };
  for (const Row& row : {Row{"another place", "../../../../../secret", 0444},
                         Row{"an absolute one", "/srv/fettle/hf/hub/blobs/ab/secret", 0444},
                         Row{"nothing", nullptr, 0}, Row{"closed to others", nullptr, 0440}}) {
    CAPTURE(row.name);
    SharedNode node;
    node.tree.file("/secret", std::string(60081, 's'));
    if (row.target != nullptr) {
      node.tree.remove(node.path());
      node.tree.link(node.path(), row.target);
    } else if (row.mode == 0) {
      node.tree.remove(node.in_store());
    } else {
      REQUIRE(node.tree.files().set_mode(node.in_store(), row.mode));
    }
    CHECK(verify_again(node.machine(), node.profile, "tiny", {}, quiet)->damages.size() ==
          (row.mode == 0440 ? 0 : 1));
    CHECK(node.stage()->state == State::ready);
    CHECK(node.kind() == system::Kind::file);
    node.check_ready(tiny_moe);
    CHECK(node.tree.read("/secret") == std::string(60081, 's'));
  }
}

TEST_CASE("shared store: a directory on the way that is a link is not followed") {
  SharedNode node;
  const std::string folder = node.layout.hub() + "/blobs/ab";
  REQUIRE(node.tree.files().rename(folder, "/elsewhere"));
  node.tree.link(folder, "/elsewhere");
  CHECK(node.stage()->state == State::ready);
  CHECK(node.kind() == system::Kind::file);
}

TEST_CASE("shared store: a cache on a share that has one is read through it") {
  ShareNode node;
  const std::string hub = std::string(test::share) + "/hub";
  std::string blob;
  const auto names = node.tree.files().list(hub + "/" + Layout::folder(tiny_moe) + "/blobs");
  REQUIRE(names);
  for (const std::string& name : *names) {
    if (name.size() == 64) blob = name;
  }
  share_blob(node.tree, hub, tiny_moe, blob);
  CHECK(node.stage()->state == State::ready);
  node.check_ready(tiny_moe);
  CHECK(node.tree.files().look(store_path(hub))->mode == 0444);
}
