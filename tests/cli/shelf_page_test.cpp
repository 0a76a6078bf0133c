#include "cli/shelf_page.h"

#include <doctest/doctest.h>

using namespace fettle;
using namespace fettle::cli;
using shelf::State;

namespace {

shelf::Report report_on_its_way() {
  shelf::Report report;
  report.shelf = "frontier";
  report.state = State::fetching;
  report.done = {1500_MiB, 12};
  report.total = {4000_MiB, 20};
  report.rate = 100_MiB;
  report.eta = std::chrono::seconds(25);
  report.repositories = {
      {"Qwen/Qwen3-0.6B", "main", State::ready, {1000_MiB, 10}, {1000_MiB, 10}, {1000_MiB, 10}},
      {"zai-org/GLM-4.6", "main", State::fetching, {500_MiB, 2}, {}, {2000_MiB, 8}},
      {"openai/gpt-oss-120b", "main", State::resolved, {}, {}, {1000_MiB, 2}},
  };
  report.current = {{"model-00001-of-00092.safetensors", 250_MiB, 1000_MiB}};
  return report;
}

// Columns of a line in UTF-8, colours left out.
std::size_t columns(const std::string& line) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b') {
      i = line.find('m', i);
      continue;
    }
    if ((static_cast<unsigned char>(line[i]) & 0xC0U) != 0x80U) ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("shelf page: bars, rate and time left of shelf, repositories and files") {
  const auto page = shelf_page(report_on_its_way(), {80, 24, Glyphs::ascii, Colour::off});
  const std::vector<std::string> expected{
      "frontier                         fetching  [######............]  37 % 3.9 GiB",
      "  1 of 3 repositories ready, 100.0 MiB/s, 25 s left",
      "  Qwen/Qwen3-0.6B                ready     [##################] 100 % 1000.0 MiB",
      "  zai-org/GLM-4.6                fetching  [####..............]  25 % 2.0 GiB",
      "    model-00001-of-00092.safetensors       [####..............]  25 % 1000.0 MiB",
      "  openai/gpt-oss-120b            resolved  [..................]   0 % 1000.0 MiB",
  };
  REQUIRE(page.size() == expected.size());
  for (std::size_t i = 0; i < page.size(); ++i) CHECK(page[i] == expected[i]);
}

TEST_CASE(
    "shelf page: one repository that is verified does not throw the shelf's bar back, and owns the files") {
  shelf::Report report = report_on_its_way();
  report.state = State::verifying;
  report.verified = {1200_MiB, 11};
  report.repositories[1].state = State::verifying;
  report.repositories[2].state = State::fetching;
  const auto page = shelf_page(report, {80, 24, Glyphs::ascii, Colour::off});
  CHECK(page[0].find(" 37 %") != std::string::npos);
  CHECK(page[1] == "  1 of 3 repositories ready, 100.0 MiB/s, 25 s left, 1.2 GiB verified");
  CHECK(page.size() == 6);
  CHECK(shelf_page(report, {60, 24, Glyphs::ascii, Colour::off})[1] ==
        "  1 of 3 repositories ready, 100.0 MiB/s, 25 s left");
  report.done = report.total;
  CHECK(shelf_page(report, {80, 24, Glyphs::ascii, Colour::off})[0].find(" 30 %") != std::string::npos);
}

TEST_CASE("shelf page: no line is wider than the terminal, and no page higher") {
  shelf::Report report = report_on_its_way();
  report.error = Error{Why::failed, std::string(300, 'x'), {}};
  for (int i = 0; i < 60; ++i) report.repositories.push_back(report.repositories[2]);
  report.repositories[30].id = std::string(90, 'n') + "/" + std::string(90, 'm');
  for (const std::size_t width : {40U, 79U, 80U, 120U, 300U}) {
    for (const Glyphs glyphs : {Glyphs::ascii, Glyphs::unicode}) {
      for (const std::size_t height : {10U, 24U, 80U}) {
        CAPTURE(width);
        const auto page = shelf_page(report, {width, height, glyphs, Colour::on});
        CHECK(page.size() < height);
        for (const std::string& line : page) {
          CAPTURE(line);
          CHECK(columns(line) <= width);
        }
      }
    }
  }
  // Too many for the paper: what is in work is always on it.
  const auto page = shelf_page(report, {80, 10, Glyphs::ascii, Colour::off});
  CHECK(page[2].find("zai-org/GLM-4.6") != std::string::npos);
  CHECK(page[page.size() - 2] == "  and 60 more");
}

TEST_CASE("shelf page: an ordinary terminal has real bars, and nothing is said of a size that is not known") {
  shelf::Report report = report_on_its_way();
  // 80 columns, of which the last stays free.
  CHECK(shelf_page(report, {79, 24, Glyphs::ascii, Colour::off})[0] ==
        "frontier                        fetching  [######............]  37 % 3.9 GiB");
  CHECK(shelf_page(report, {57, 24, Glyphs::ascii, Colour::off})[0] ==
        "frontier                       fetching   37 % 3.9 GiB");
  report.state = State::failed;
  report.total = report.done = {};
  CHECK(shelf_page(report, {57, 24, Glyphs::ascii, Colour::off})[0] ==
        "frontier                       failed   ");
}

TEST_CASE("shelf page: a reason is broken between words, and on a low terminal cut with a sign") {
  shelf::Report report = report_on_its_way();
  report.error =
      Error{Why::missing,
            "cannot list the files of 'o/n': the hub does not have this revision (the client says: "
            "Error: Revision not found in model 'o/n'.)",
            {}};
  const auto page = shelf_page(report, {57, 40, Glyphs::ascii, Colour::off});
  REQUIRE(page.size() == 9);
  CHECK(page[6] == "  cannot list the files of 'o/n': the hub does not have");
  CHECK(page[7] == "  this revision (the client says: Error: Revision not");
  CHECK(page[8] == "  found in model 'o/n'.)");
  const auto low = shelf_page(report, {57, 20, Glyphs::ascii, Colour::off});
  REQUIRE(low.size() == 7);
  CHECK(low[6] == "  cannot list the files of 'o/n': the hub does not have..");
  report.error->said = std::string(500, 'x');
  CHECK(shelf_page(report, {57, 40, Glyphs::ascii, Colour::off}).size() == 10);
}

TEST_CASE("shelf page: a bar is as long as it is wide, full only when nothing is missing") {
  CHECK(bar_text({0}, {100}, 4, Glyphs::ascii) == "[....]");
  CHECK(bar_text({99}, {100}, 4, Glyphs::ascii) == "[###.]");
  CHECK(bar_text({100}, {100}, 4, Glyphs::ascii) == "[####]");
  CHECK(bar_text({500}, {100}, 4, Glyphs::ascii) == "[####]");
  CHECK(bar_text({5}, {0}, 4, Glyphs::ascii) == "[....]");
  CHECK(bar_text({50}, {100}, 3, Glyphs::unicode) == "█▌·");
}

TEST_CASE("shelf page: as one line for logs, and with a shorter page after a longer one") {
  shelf::Report report = report_on_its_way();
  CHECK(shelf_line(report) == "fetching 37 %, 1.5 GiB of 3.9 GiB at 100.0 MiB/s, 25 s left");
  report.state = State::ready;
  report.rate = {};
  CHECK(shelf_line(report) == "ready");
  CHECK(redraw({"a"}, 0) == "\ra\x1b[K\n");
  CHECK(redraw({"a"}, 2) == "\x1b[2A\ra\x1b[K\n\x1b[J");
}
