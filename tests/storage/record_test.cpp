#include "storage/record.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/names.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::storage;
using fettle::test::Tree;

namespace {

Record sample() {
  Record record;
  record.progress = Progress::done;
  record.generation = "cccccccc-0000-4000-8000-000000000003";
  record.machine_id = "0123456789abcdef0123456789abcdef";
  record.product_uuid = "4c4c4544-0000-1010-8000-b7c04f4a3232";
  record.array_uuid = "aaaaaaaa-0000-4000-8000-000000000001";
  record.filesystem_uuid = "bbbbbbbb-0000-4000-8000-000000000002";
  record.drives = {{"SN0001", "nvme.1", "1", 3_GiB}, {"SN0002", "nvme.2", "1", 3_GiB}};
  return record;
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = to_json(sample());
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("record: what is written is read back, for root only") {
  Tree tree;
  CHECK(read_record(tree.files()).error().why == Why::missing);
  CHECK(*write_record(tree.files(), sample()) == Outcome::changed);
  CHECK(*write_record(tree.files(), sample()) == Outcome::already_so);
  CHECK(tree.files().look(names::storage_record)->mode == 0600);
  const auto back = read_record(tree.files());
  REQUIRE(back);
  CHECK(to_json(*back) == to_json(sample()));
  CHECK(back->drives == sample().drives);
  CHECK(back->progress == Progress::done);
}

TEST_CASE("record: half a record is none (F48, F49)") {
  const std::string whole = to_json(sample());
  for (std::size_t length = 0; length + 2 < whole.size(); length += 7) {
    CAPTURE(length);
    const auto part = parse_record(whole.substr(0, length));
    REQUIRE_FALSE(part);
    CHECK(part.error().why == Why::malformed);
    CHECK_FALSE(part.error().hint.empty());
  }
  for (const std::string& text :
       {with("\"format\": 1", "\"format\": 2"), with("\"format\": 1", "\"format\": \"1\""),
        with("\"done\"", "\"open\""), with("0123456789abcdef0123456789abcdef", ""),
        with("bbbbbbbb-0000", "bbbbbbbb-000"), with("aaaaaaaa-0000-4000-8000-000000000001", ""),
        with("aaaaaaaa", "AAAAAAAA"), with("cccccccc-0000-4000-8000-000000000003", "../../x"),
        with("\"SN0001\"", "\"\""), with("\"drives\"", "\"disks\""), std::string("[]"), std::string("null"),
        std::string("\xff\xfe")}) {
    CAPTURE(text);
    CHECK_FALSE(parse_record(text));
  }
}

TEST_CASE("record: one that others could have written gives no rights") {
  Tree tree;
  tree.file(names::storage_record, to_json(sample()));
  ::chmod((tree.root() + std::string(names::storage_record)).c_str(), 0660);
  CHECK(read_record(tree.files()).error().why == Why::malformed);
  ::chmod((tree.root() + std::string(names::storage_record)).c_str(), 0600);
  CHECK(read_record(tree.files()));
  tree.remove(names::storage_record)
      .file("/tmp/planted", to_json(sample()))
      .link(names::storage_record, "/tmp/planted");
  CHECK(read_record(tree.files()).error().why == Why::malformed);
}

TEST_CASE("record: it belongs to one machine") {
  const Record record = sample();
  CHECK(belongs_to(record, {record.machine_id, record.product_uuid, "b"}));
  CHECK(belongs_to(record, {record.machine_id, "", "b"}));
  CHECK_FALSE(belongs_to(record, {record.machine_id, "99999999-0000-1010-8000-b7c04f4a3232", "b"}));
  CHECK_FALSE(belongs_to(record, {"fedcba9876543210fedcba9876543210", record.product_uuid, "b"}));
  CHECK_FALSE(belongs_to(record, {"", "", "b"}));
  Record nameless = record;
  nameless.machine_id.clear();
  CHECK_FALSE(belongs_to(nameless, {"", "", "b"}));
}

TEST_CASE("record: fresh names differ each time") {
  const auto one = choose_names();
  const auto two = choose_names();
  REQUIRE(one);
  REQUIRE(two);
  CHECK(one->array_uuid.size() == 36);
  CHECK(one->array_uuid[14] == '4');
  CHECK(one->array_uuid != one->filesystem_uuid);
  CHECK(one->array_uuid != two->array_uuid);
}
