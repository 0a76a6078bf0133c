#include "app/acknowledgements.h"

#include <doctest/doctest.h>

#include "app/memory.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::app;

namespace {

std::chrono::system_clock::time_point at(std::int64_t seconds) {
  return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
}

NamedFinding finding(std::string id, std::string says) {
  return {std::move(id), "a title", {Status::fail, std::move(says), {}}, {}};
}

}  // namespace

TEST_CASE("acknowledgements: each change is an event that names who it was") {
  AcknowledgementList list;
  const auto added =
      list.add({"gpu.pcie", std::chrono::hours(8), "ordered"}, finding("gpu.pcie", "x8"), "root", at(0));
  REQUIRE(added);
  CHECK(added->subject == "gpu.pcie");
  CHECK(added->says == "acknowledged until 1970-01-01T08:00:00Z by root: ordered");
  REQUIRE(list.all().size() == 1);
  CHECK(list.all()[0].status == "fail");
  CHECK(list.all()[0].says == "x8");
  CHECK(list.all()[0].until == at(8 * 3600));
  list.add({"gpu.pcie", std::chrono::hours(1), "again"}, finding("gpu.pcie", "x4"), "uid 1000", at(10));
  list.add({"cache.space", std::chrono::hours(1), "full"}, finding("cache.space", "1 %"), "root", at(10));
  REQUIRE(list.all().size() == 2);
  CHECK(list.all()[0].check == "cache.space");
  CHECK(list.all()[1].says == "x4");
  CHECK(list.remove("cache.space", "uid 5", at(20))->says == "acknowledgement withdrawn by uid 5");
  CHECK_FALSE(list.remove("cache.space", "uid 5", at(20)));
  CHECK(list.end(at(3609)).empty());
  const auto ended = list.end(at(3610));
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].says == "acknowledgement by uid 1000 is over");
  CHECK(list.all().empty());
  CHECK(name_of({0, 0, 1, {}}) == "root");
  CHECK(name_of({1000, 0, 1, {}}) == "uid 1000");
}

TEST_CASE("acknowledgements: there is an end to how many, and a known one can still be renewed") {
  AcknowledgementList list;
  for (std::size_t i = 0; i < serve::most_acknowledgements; ++i) {
    const std::string id = "x." + std::to_string(i);
    CHECK(list.add({id, std::chrono::hours(1), "r"}, finding(id, "broken"), "root", at(0)));
  }
  CHECK_FALSE(list.add({"y", std::chrono::hours(1), "r"}, finding("y", "broken"), "root", at(0)));
  CHECK(list.add({"x.7", std::chrono::hours(2), "r"}, finding("x.7", "broken"), "root", at(0)));
  CHECK(list.all().size() == serve::most_acknowledgements);
}

TEST_CASE("acknowledgements: they outlive the daemon, and what is withdrawn stays so") {
  test::Tree tree;
  AcknowledgementList list;
  const auto event =
      list.add({"gpu.pcie", std::chrono::hours(8), "ordered"}, finding("gpu.pcie", "x8"), "root", at(100));
  {
    Memory memory(tree.files(), "/var/lib/fettle/events.db");
    const Remembered first = memory({});
    REQUIRE(first.acknowledgements);
    CHECK(first.acknowledgements->empty());
    const Remembered kept = memory({{*event}, {}, list.all()});
    CHECK_FALSE(kept.trouble);
    CHECK(kept.events.back().says == event->says);
    CHECK_FALSE(kept.acknowledgements);
  }
  AcknowledgementList after;
  after.add({"os.kernel", std::chrono::hours(1), "said meanwhile"}, finding("os.kernel", "old"), "root",
            at(200));
  {
    Memory memory(tree.files(), "/var/lib/fettle/events.db");
    Remembered first = memory({});
    REQUIRE(first.acknowledgements);
    after.restore(std::move(*first.acknowledgements));
    REQUIRE(after.all().size() == 2);
    CHECK(after.all()[0].check == "gpu.pcie");
    CHECK(after.all()[0].because == "ordered");
    CHECK(after.all()[0].at == at(100));
    CHECK(after.all()[0].until == at(100 + 8 * 3600));
    memory({{}, {}, serve::Acknowledgements{}});
  }
  Memory memory(tree.files(), "/var/lib/fettle/events.db");
  CHECK(memory({}).acknowledgements->empty());
}
