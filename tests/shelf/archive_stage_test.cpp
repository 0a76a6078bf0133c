#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "archive/writer.h"
#include "base/names.h"
#include "shelf/shelf.h"
#include "shelf/staging.h"
#include "shelf/verify.h"
#include "support/source.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::StagingNode;

namespace {

const auto quiet = [](Bytes, Bytes) {};
const char* const chat = "fettle-test/tiny-chat";
const char* const moe = "fettle-test/tiny-moe";

struct ArchiveNode : StagingNode {
  ArchiveNode() {
    shelf.source = profile::Source::archive;
    shelf.archive = "/usr/share/fettle/shelves/tiny.tar.zst";
    std::ifstream in(fettle::test::tests_dir().string() + "/shelf/tiny.tar.zst", std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    tree.file(shelf.archive, text.str());
  }

  // An archive of one repository, with contents and names as the test wants them.
  void one_blob(const std::string& content, const std::string& claimed, const std::string& extra = {}) {
    tree.file("/x", content);
    const Manifest manifest{
        "o/n", std::string(40, 'a'), "main", {{"config.json", {content.size()}, claimed}}};
    auto writer = archive::Writer::create(tree.files(), "/one.tar", archive::Compression::plain);
    REQUIRE(writer);
    REQUIRE(writer->add_text(archive_manifest_name, to_json({manifest})));
    REQUIRE(writer->add_text("models--o--n/blobs/" + claimed, content));
    if (!extra.empty()) REQUIRE(writer->add_text(extra, "extra"));
    REQUIRE(writer->finish());
    shelf.archive = "/one.tar";
    shelf.repositories.clear();
  }

  std::string hash(const std::string& content) {
    tree.file("/x", content);
    return *digest(tree.files(), "/x", 64, [](Bytes) { return true; });
  }
};

}  // namespace

TEST_CASE("stage: the shelf that ships with the tests becomes ready, and stays so without its archive") {
  ArchiveNode node;
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  CHECK_FALSE(report->error);
  REQUIRE(report->repositories.size() == 2);
  CHECK(report->total.files == 10);
  CHECK(report->verified.bytes == report->total.bytes);
  node.check_ready(chat);
  node.check_ready(moe);
  CHECK_FALSE(*node.tree.files().exists("/srv/fettle/hf/hub/.fettle-unpack-tiny"));
  CHECK(read_report(node.tree.files(), "tiny")->state == State::ready);
  CHECK(findings({{"tiny", *report}}, node.profile, report->updated_at)
            .empty());  // wanted by nobody: no finding

  const std::string config =
      node.of(chat, "/snapshots/" + node.tree.read(node.of(chat, "/refs/main")) + "/config.json");
  const auto before = node.tree.files().look_through(config);
  node.tree.remove(node.shelf.archive);
  const auto again = node.stage();
  REQUIRE(again);
  CHECK(again->state == State::ready);
  CHECK(node.tree.files().look_through(config)->inode == before->inode);
}

TEST_CASE("stage: a blob that is lost or damaged later comes again from the archive") {
  ArchiveNode node;
  REQUIRE(node.stage()->state == State::ready);
  const std::string lost = node.largest_blob(chat);
  const std::string damaged = node.largest_blob(moe);
  const std::string content = node.tree.read(damaged);
  node.tree.remove(lost).patch(damaged, 100, "damage");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  CHECK(node.tree.read(damaged) == content);
  CHECK(*node.tree.files().exists(lost));
  node.check_ready(moe);
}

TEST_CASE("stage: F58 a blob that is wrong in the archive is fetched once more, then it failed") {
  ArchiveNode node;
  node.one_blob("content", std::string(64, 'b'));
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::failed);
  REQUIRE(report->error);
  CHECK(report->error->said.find("does not have the hash bbbb") != std::string::npos);
  CHECK(report->error->said.find("neither did a second copy") != std::string::npos);
  CHECK_FALSE(*node.tree.files().exists(node.of("o/n", "/refs/main")));
  CHECK(node.tree.files().list(node.of("o/n", "/blobs"))->empty());
  CHECK(node.tree.read("/srv/fettle/hf/.fettle-damaged/" + std::string(64, 'b')) == "content");
  // With a good archive the same command mends it.
  node.one_blob("content", node.hash("content"));
  CHECK(node.stage()->state == State::ready);
}

TEST_CASE(
    "stage: an archive that is not one, incomplete, or holds more than its list, fails with the reason") {
  ArchiveNode node;
  const auto failed_with = [&](const char* says) {
    const auto report = node.stage();
    REQUIRE(report);
    CHECK(report->state == State::failed);
    REQUIRE(report->error);
    CAPTURE(report->error->said);
    CHECK(report->error->said.find(says) != std::string::npos);
    CHECK_FALSE(report->error->hint.empty());
    CHECK(read_report(node.tree.files(), "tiny")->error->said == report->error->said);
  };
  node.shelf.archive = "/none.tar";
  const auto none = node.stage();
  REQUIRE(none);
  CHECK(none->state == State::failed);
  CHECK(none->error->said == "cannot open '/none.tar': No such file or directory");
  node.tree.file("/garbage.tar", std::string(5000, 'x'));
  node.shelf.archive = "/garbage.tar";
  failed_with("cannot read the archive '/garbage.tar'");
  const std::string good = node.hash("content");
  node.one_blob("content", good, "models--o--n/blobs/" + std::string(64, 'd'));
  node.tree.remove(node.layout.hub());
  node.want("o/n", std::string(40, 'e'));
  failed_with("cannot find 'o/n' at 'eeee");
  // The blob that the list names comes first and is found: what lies behind is never looked at.
  node.shelf.repositories.clear();
  CHECK(node.stage()->state == State::ready);
  auto writer = archive::Writer::create(node.tree.files(), "/first.tar", archive::Compression::plain);
  REQUIRE(writer->add_text("models--o--n/blobs/" + good, "content"));
  REQUIRE(writer->finish());
  node.shelf.archive = "/first.tar";
  node.shelf.name = "other";
  const auto first = node.stage();
  REQUIRE(first);
  CHECK(first->error->said.find("its first entry is not 'fettle-shelf.json'") != std::string::npos);
}

TEST_CASE("stage: a truncated archive fails, keeps what is whole, and goes on with a whole one") {
  ArchiveNode node;
  REQUIRE(node.stage()->state == State::ready);
  REQUIRE(export_archive(node.machine(), node.profile, "tiny", "/plain.tar", quiet));
  node.tree.remove(node.layout.hub()).remove("/var");
  node.shelf.archive = "/plain.tar";
  const std::string whole = node.tree.read(node.shelf.archive);
  // 80 % of it: the list and the first repository are there.
  node.tree.file(node.shelf.archive, std::string_view(whole).substr(0, whole.size() * 8 / 10));
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::failed);
  CHECK(report->done.files == 7);
  CHECK_FALSE(*node.tree.files().exists(node.of(moe, "/refs/main")));
  node.tree.file(node.shelf.archive, whole);
  CHECK(node.stage()->state == State::ready);
}

TEST_CASE("stage: include and exclude make the shelf smaller, and widening it fetches the rest") {
  ArchiveNode node;
  node.want(moe, "main");
  node.shelf.repositories[0].exclude = {"*.safetensors"};
  auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  CHECK(report->total.files == 2);
  node.shelf.repositories[0].exclude.clear();
  report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  CHECK(report->total.files == 3);
  CHECK(node.tree.files().list(node.of(moe, "/blobs"))->size() == 3);
}

TEST_CASE("stage: F59 what does not fit beside the reserve is refused before the first byte") {
  ArchiveNode node;
  node.profile.cache->reserve = {1ULL << 60U};
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::refused);
  CHECK(report->error->said.find("cannot stage 'tiny': it needs 122.2 KiB and a reserve of 1.0 EiB") == 0);
  CHECK_FALSE(*node.tree.files().exists(node.layout.hub() + "/" + Layout::folder(chat)));
}

TEST_CASE("stage: without its cache nothing is written") {
  ArchiveNode node;
  node.tree.remove("/srv/fettle/hf");
  const auto report = node.stage();
  REQUIRE_FALSE(report);
  CHECK(report.error().why == Why::missing);
  CHECK(node.tree.files().list("/srv/fettle")->empty());
  node.tree.link("/srv/fettle/hf", "/elsewhere").directory("/elsewhere");
  CHECK_FALSE(node.stage());
  CHECK(node.tree.files().list("/elsewhere")->empty());
}

TEST_CASE("stage: F49 broken records are said, and everything is verified again") {
  ArchiveNode node;
  REQUIRE(node.stage()->state == State::ready);
  node.tree.file(names::stage_state, "garbage, garbage, garbage");
  const auto report = node.stage();
  REQUIRE(report);
  CHECK(report->state == State::ready);
  REQUIRE(report->store.size() == 1);
  CHECK(report->store[0].status == Status::fail);
  CHECK(report->verified.files == 10);
}

TEST_CASE("shelf: verifying again finds what changed behind our back") {
  ArchiveNode node;
  CHECK(verify_again(node.machine(), node.profile, "tiny", {}, quiet).error().why == Why::missing);
  REQUIRE(node.stage()->state == State::ready);
  auto verified = verify_again(node.machine(), node.profile, "tiny", {}, quiet);
  REQUIRE(verified);
  CHECK(verified->damages.empty());
  CHECK(verified->blobs == 10);

  const std::string victim = node.largest_blob(moe);
  const auto info = node.tree.files().look(victim);
  const auto time = std::filesystem::last_write_time(node.tree.root() + victim);
  node.tree.patch(victim, 1000, "rot");
  std::filesystem::last_write_time(node.tree.root() + victim, time);  // as a failing drive does it
  node.tree.remove(node.largest_blob(chat));
  CHECK(node.tree.files().look(victim)->modified == info->modified);
  verified = verify_again(node.machine(), node.profile, "tiny", {}, quiet);
  REQUIRE(verified);
  REQUIRE(verified->damages.size() == 2);
  CHECK(verified->damages[0].says == "it is missing");
  CHECK(verified->damages[1].says == "its content is another");
  CHECK(victim.find(verified->damages[1].blob) != std::string::npos);
  // It was forgotten: the next stage does not believe its time of change.
  CHECK(node.stage()->state == State::ready);
  CHECK(verify_again(node.machine(), node.profile, "tiny", {}, quiet)->damages.empty());
}

TEST_CASE("shelf: what is exported is the archive it came from") {
  ArchiveNode node;
  CHECK_FALSE(export_archive(node.machine(), node.profile, "tiny", "/out.tar.zst", quiet));
  REQUIRE(node.stage()->state == State::ready);
  REQUIRE(export_archive(node.machine(), node.profile, "tiny", "/out.tar", quiet));
  ArchiveNode other;
  other.tree.file("/in.tar", node.tree.read("/out.tar"));
  other.shelf.archive = "/in.tar";
  REQUIRE(other.stage()->state == State::ready);
  REQUIRE(export_archive(other.machine(), other.profile, "tiny", "/out.tar", quiet));
  CHECK(other.tree.read("/out.tar") == node.tree.read("/out.tar"));

  node.tree.patch(node.largest_blob(moe), 10, "damage");
  const auto refused = export_archive(node.machine(), node.profile, "tiny", "/bad.tar", quiet);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().why == Why::refused);
  CHECK_FALSE(*node.tree.files().exists("/bad.tar"));
}
