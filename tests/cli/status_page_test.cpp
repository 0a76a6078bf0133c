#include "cli/status_page.h"

#include <doctest/doctest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <sstream>

#include "base/json.h"
#include "base/text.h"
#include "support/golden.h"
#include "support/source.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::cli;
using fettle::test::check_golden;

namespace {

boost::json::value parsed(const std::string& text) {
  return *parse_json(text, "the test");
}

// What the daemon answered in tests/serve/.
boost::json::value ready_node() {
  const auto files = system::Files::open(fettle::test::tests_dir().string());
  return parsed(*files->read("/golden/serve-status.json"));
}

boost::json::value failed_node() {
  boost::json::value status = ready_node();
  boost::json::object& object = status.as_object();
  object["state"] = "failed";
  object["why"] =
      "driver.amdgpu: amdgpu is 6.12.12, which the table lists for no ROCm that is installed (and 2 more)";
  object["age_seconds"] = 4000;
  object["stale"] = true;
  object["gpus"] = parsed(R"({"model":"MI300X","wanted":8,"seen":null,"driver":""})");
  object["cache"] =
      parsed(R"({"path":"/srv/fettle","kind":"drives","total_bytes":null,"available_bytes":null})");
  object["shelves"] = parsed(R"([
    {"name":"tiny","state":"fetching","ready":false,"done_bytes":434000000000,"total_bytes":700000000000,
     "bytes_per_second":1900000000,"seconds_left":140,"error":""},
    {"name":"a-shelf-with-a-very-long-name-indeed","state":"failed","ready":false,"done_bytes":5,"total_bytes":0,
     "bytes_per_second":0,"seconds_left":null,
     "error":"cannot fetch 'a/b': the hub answers 403: this repository is gated and wants a token that may read it"},
    {"name":"next","state":"wanted","ready":false,"done_bytes":0,"total_bytes":0,"bytes_per_second":0,
     "seconds_left":null,"error":""}])");
  object["findings"] = parsed(R"([
    {"id":"cpu.governor","status":"warn","says":"schedutil","hint":""},
    {"id":"gpu.count","status":"unknown","says":"cannot read '/sys/class/kfd': \u001b[2Jgone","hint":"load the driver"},
    {"id":"driver.amdgpu","status":"fail","says":"amdgpu is 6.12.12, which the table lists for no ROCm that is installed here",
     "hint":"install amdgpu-dkms of 30.10.2, or see which releases fit: `fettle check --compat`"}])");
  return status;
}

}  // namespace

TEST_CASE("status page: a ready and a failed node as people see them") {
  check_golden("cli-status-ready.txt", status_page(ready_node(), Colour::off));
  const std::string failed = status_page(failed_node(), Colour::off);
  check_golden("cli-status-failed.txt", failed);
  for (const std::string_view line : lines(failed)) {
    CAPTURE(line);
    CHECK(line.size() <= 80);
  }
  CHECK(failed.find('\x1B') == std::string::npos);
}

TEST_CASE("status page: a narrow terminal gets narrow paragraphs, a wide one no wider ones") {
  const std::string narrow = status_page(failed_node(), Colour::off, 60);
  for (const std::string_view line : lines(narrow)) {
    CAPTURE(line);
    CHECK(line.size() <= 60);
  }
  CHECK(status_page(failed_node(), Colour::off, 200) == status_page(failed_node(), Colour::off));
  CHECK(status_page(failed_node(), Colour::off, 0) == status_page(failed_node(), Colour::off, 40));
}

TEST_CASE("status page: colour only when it is asked for, and an empty answer is no crash") {
  CHECK(status_page(ready_node(), Colour::on).rfind("\x1B[32mready\x1B[0m", 0) == 0);
  CHECK(status_page(ready_node(), Colour::off).find('\x1B') == std::string::npos);
  for (const char* odd :
       {"{}", "[]", "null", R"({"state":5,"shelves":{},"findings":[1,null,"x"],"cache":[],"gpus":1})",
        R"({"shelves":[{"done_bytes":9,"total_bytes":4}]})"}) {
    CAPTURE(odd);
    CHECK_FALSE(status_page(parsed(odd), Colour::off).empty());
  }
}

TEST_CASE("status page: exit codes and times") {
  CHECK(exit_code_of("ready") == 0);
  CHECK(exit_code_of("starting") == 1);
  CHECK(exit_code_of("degraded") == 1);
  CHECK(exit_code_of("failed") == 2);
  CHECK(exit_code_of("unknown") == 3);
  CHECK(exit_code_of("") == 3);
  using std::chrono::seconds;
  for (const auto& [count, text] : std::vector<std::pair<int, std::string>>{{-5, "0 s"},
                                                                            {0, "0 s"},
                                                                            {59, "59 s"},
                                                                            {60, "1 min"},
                                                                            {3599, "59 min"},
                                                                            {3600, "1 h"},
                                                                            {12000, "3 h 20 min"},
                                                                            {187200, "2 d 4 h"}}) {
    CHECK(time_text(seconds(count)) == text);
  }
}
