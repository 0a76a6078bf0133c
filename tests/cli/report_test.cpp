#include <doctest/doctest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "app/facts_json.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/html.h"
#include "cli/report_page.h"
#include "cli/served_node.h"
#include "facts/facts.h"
#include "profile/load.h"
#include "serve/inputs.h"
#include "support/golden.h"
#include "support/source.h"

using namespace fettle;
using namespace fettle::cli;
using fettle::test::ServedNode;

namespace {

namespace json = boost::json;

const auto made_at = std::chrono::system_clock::time_point(std::chrono::seconds(1764000003));

json::value parsed(const std::string& text) {
  const auto value = parse_json(text, "the test");
  REQUIRE(value);
  return *value;
}

json::value body(const serve::Page* page) {
  REQUIRE(page != nullptr);
  return parsed("{\"api\":1,\"age_seconds\":3,\"stale\":false" + page->fresh);
}

Answers answers_of(const serve::Inputs& inputs) {
  const serve::Snapshot snapshot(inputs);
  Answers answers;
  answers.status = body(snapshot.page("/v1/status"));
  answers.facts = body(snapshot.page("/v1/facts"));
  answers.storage = body(snapshot.page("/v1/storage"));
  answers.env = body(snapshot.page("/v1/env"));
  answers.ledger = body(snapshot.page("/v1/ledger"));
  for (const serve::Shelf& shelf : inputs.shelves)
    answers.shelves.emplace_back(shelf.name, body(snapshot.shelf(shelf.name)));
  return answers;
}

// A node as the daemon tells of it, with something in every section.
serve::Inputs whole_node() {
  serve::Inputs inputs = test::ready_node();
  inputs.findings.push_back(
      test::finding("compat.stack", Status::pass, "Ubuntu 24.04.3, kernel 6.14: listed"));
  inputs.facts = parsed(R"({
    "os": {"id": "ubuntu", "release": "24.04.3", "pretty": "Ubuntu 24.04.3 LTS"},
    "kernel": {"release": "6.14.0-32-generic", "series": "6.14", "flavour": "generic"},
    "driver": {"loaded": true, "live": true, "out_of_tree": true, "module_version": "6.14.14"},
    "driver_package": {"installed": true, "version": "1:6.14.14.30100200", "release": "30.10.2"},
    "rocm": [{"path": "/opt/rocm-7.0.2", "version": "7.0.2", "is_default": true}],
    "gpus_on_pci": [{"pci_address": "0002:00:01.0", "pci_device": "0x74b5"},
                    {"pci_address": "0003:00:01.0", "pci_device": "0x74b5"}],
    "gpus_in_kfd": 8,
    "hardware": {"vendor": "Microsoft Corporation", "product": "Virtual Machine", "is_virtual": true},
    "cpus": {"sockets": 2, "cores": 96, "threads": 96},
    "memory_bytes": 1987654321000,
    "infiniband": {"unknown": "cannot list '/sys/class/infiniband': No such file or directory"},
    "uptime_seconds": 18000,
    "next_boot": {"kernel": "6.14.0-33-generic"},
    "drives": [{"name": "nvme0n1", "model": "Microsoft NVMe Direct Disk v2", "serial": "SN0001",
                "size_bytes": 3840755982336, "holders": ["md127"], "in_use": []},
               {"name": "sda", "model": "Virtual Disk", "serial": "", "size_bytes": 1099511627776,
                "holders": [], "in_use": ["mounted on /"]}],
    "arrays": [{"name": "md127", "state": "clean", "level": "raid0", "raid_disks": 8,
                "size_bytes": 30725970923520, "members": ["nvme0n1", "nvme1n1"]}]})");
  inputs.storage = parsed(R"({"format": 1, "verdict": "same", "path": "/srv/fettle", "device": "/dev/md127",
    "boot": {"status": "pass", "says": "the array of this node is there", "duration_ms": 412},
    "cache": {"status": "pass", "says": "every directory is there", "duration_ms": 9},
    "array_uuid": "a5c1:22", "filesystem_uuid": "0f1e", "generation": "7d3a",
    "drives": [{"serial": "SN0001", "role": "ours"}]})");
  inputs.collected = parsed(R"({"cache": {"path": "/srv/fettle"}, "drives": {"drives": [{"serial": "SN0001",
    "smart": {"temperature_kelvin": 314, "used_percent": 3, "media_errors": 0},
    "reads": {"median_microseconds": 95}}]}, "usage": {"unknown": "cannot tell about what fills the cache"}})");
  inputs.shelves[0].detail = parsed(R"({"repositories": [
    {"id": "Qwen/Qwen3-0.6B", "revision": "c1899de289a04d12100db370d81485cdf75e47ca", "state": "ready",
     "done": {"bytes": 1519209130, "files": 10}, "verified": {"bytes": 1519209130, "files": 10},
     "total": {"bytes": 1519209130, "files": 10}},
    {"id": "zai-org/GLM-4.6", "revision": "main", "state": "fetching", "done": {"bytes": 5, "files": 0},
     "verified": {"bytes": 0, "files": 0}, "total": {"bytes": 713623846912, "files": 101}}]})");
  inputs.env = parsed(R"({"variables": [
    {"name": "HF_HOME", "value": "/srv/fettle/hf", "scope": "all", "why": "model weights survive restarts"}],
    "refused": [{"name": "BAD", "said": "cannot carry a line feed", "hint": "leave it out"}],
    "files": ["/etc/profile.d/fettle.sh"]})");
  return inputs;
}

std::string page_of(const serve::Inputs& inputs) {
  return report_page(answers_of(inputs), made_at);
}

bool has(const std::string& page, std::string_view text) {
  return page.find(text) != std::string::npos;
}

// Tags that were opened and not closed, in their order: nothing may come of a text.
std::string open_tags(const std::string& page) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::vector<std::string> open;
  for (auto at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    const std::string_view tag = std::string_view(page).substr(at + 1, page.find('>', at) - at - 1);
    const bool closes = tag.starts_with('/');
    const std::string_view rest = tag.substr(closes ? 1 : 0);
    const std::string name(rest.substr(0, rest.find_first_not_of(letters)));
    if (name.empty() || name == "meta" || tag.ends_with('/')) continue;
    if (!closes) {
      open.push_back(name);
    } else if (!open.empty() && open.back() == name) {
      open.pop_back();
    } else {
      return "</" + name + "> closes nothing";
    }
  }
  std::string left;
  for (const std::string& name : open) left += "<" + name + ">";
  return left;
}

}  // namespace

TEST_CASE("report: the page of a node with everything on it") {
  const std::string page = page_of(whole_node());
  test::check_golden("cli-report.html", page);
  CHECK(open_tags(page).empty());
}

TEST_CASE("report: the page asks nobody for anything and runs nothing") {
  const std::string page = page_of(whole_node());
  CHECK(has(page, "default-src 'none'"));
  for (const char* const way : {"http:", "https:", "<script", "<link", "<img", "<iframe", "url(", "@import",
                                "src=", "href=", "onload", "onerror"}) {
    CAPTURE(way);
    CHECK_FALSE(has(page, way));
  }
}

TEST_CASE("report: what a node says never becomes markup") {
  const std::string hostile =
      "x\"'><script>alert(1)</script><img src=x onerror=alert(2)>&\x1B[2J\xE2\x80\xAE";
  serve::Inputs inputs = whole_node();
  json::value all =
      json::object{{"repositories",
                    json::array{json::object{{"id", hostile}, {"revision", hostile}, {"state", hostile}}}}};
  inputs.shelves[0].detail = all;
  inputs.shelves[0].error = hostile;
  inputs.shelves[0].word = hostile;
  inputs.shelves[1].name = hostile;
  inputs.profile = inputs.version = inputs.gpus.model = inputs.gpus.driver = inputs.cache.path = hostile;
  inputs.caches[0].name = hostile;
  inputs.findings.push_back(test::finding(hostile, Status::fail, hostile, hostile));
  inputs.boots[0].stages[0].name = hostile;
  inputs.price->currency = hostile;
  json::object& facts = inputs.facts.as_object();
  facts["os"] = json::object{{"pretty", hostile}};
  facts["kernel"] = json::object{{"unknown", hostile}};
  facts[hostile] = json::object{{"unknown", hostile}};
  facts["drives"] = json::array{
      json::object{{"name", hostile}, {"model", hostile}, {"serial", hostile}, {"in_use", {hostile}}}};
  inputs.storage.as_object()["verdict"] = hostile;
  inputs.env.as_object()["variables"] =
      json::array{json::object{{"name", hostile}, {"value", hostile}, {"scope", hostile}, {"why", hostile}}};
  const std::string page = page_of(inputs);
  CHECK(open_tags(page).empty());
  for (const char* const part : {"<script", "<img", "\x1B", "\xE2\x80\xAE", "'><"}) {
    CAPTURE(part);
    CHECK_FALSE(has(page, part));
  }
  CHECK(has(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
}

TEST_CASE("report: escaping, one character at a time") {
  CHECK(escaped("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;");
  CHECK(escaped("two\nlines\t\r") == "two\nlines\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(escaped(std::string_view("\0", 1)) == "\xEF\xBF\xBD");
  CHECK(escaped("\xE2\x80\xAE|\xE2\x81\xA6|\xC2\x9B") == "\xEF\xBF\xBD|\xEF\xBF\xBD|\xEF\xBF\xBD");
  CHECK(escaped("\xC2\xB5s \xE2\x80\x9C \xC3\xA9") == "\xC2\xB5s \xE2\x80\x9C \xC3\xA9");
  CHECK(percent_of(0.3725) == "37.25");
  CHECK(percent_of(7) == "100.00");
  CHECK(percent_of(-1) == "0.00");
}

TEST_CASE("report: a node of which nothing was seen says so, and claims nothing") {
  serve::Inputs inputs;
  inputs.cache.path = "/srv/fettle";
  inputs.gpus = {"MI300X", 8, {}, ""};
  inputs.shelves = {test::shelf("tiny", serve::Progress::waiting, "wanted")};
  Answers answers = answers_of(inputs);
  const std::string page = report_page(answers, made_at);
  CHECK(open_tags(page).empty());
  for (const char* const part :
       {"This node is <span class=\"status unknown\">unknown</span>", "Nothing was looked at.",
        "could not be counted", "not there", "it has not reported in this boot",
        "its worker has not reported in this boot", "Nothing is reached in this boot yet.",
        "The set as a whole was not judged.", "The drives were not seen."}) {
    CAPTURE(part);
    CHECK(has(page, part));
  }
  CHECK_FALSE(has(page, "class=\"status good\""));
  CHECK_FALSE(has(page, "No check found anything wrong."));

  // And one of which the daemon answers little.
  answers.facts = answers.storage = answers.env = answers.ledger =
      fail(Why::refused, "cannot ask: <too large>");
  answers.shelves[0].second = fail(Why::timed_out, "cannot ask: no answer");
  const std::string less = report_page(answers, made_at);
  CHECK(open_tags(less).empty());
  CHECK(has(less, "cannot ask: &lt;too large&gt;"));
  CHECK(has(less, "The environment was not seen."));
  CHECK(has(less, "The cache was not seen."));
  CHECK(has(less, "This shelf was not seen."));
  CHECK(has(less, "The times of this boot were not seen."));
}

TEST_CASE("report: an old look is called old, and odd answers are no crash") {
  Answers answers = answers_of(whole_node());
  answers.status.as_object()["stale"] = true;
  CHECK(has(report_page(answers, made_at), "The last look is too long ago to count"));
  for (const char* const odd :
       {"{}", "[]", "null", R"({"boot":5,"price":[],"facts":{"drives":[1,null],"rocm":{},"os":3},"report":7,
        "caches":[null],"collected":{"drives":{"drives":[{}]}},"env":{"variables":[1],"files":[null]},
        "shelf":{"done_bytes":-4},"history":[{"at":"x"},{"at":"2025-11-24T16:00:00Z"},{}],"earlier":[3]})"}) {
    CAPTURE(odd);
    const json::value value = parsed(odd);
    Answers strange{value, value, value, value, value, {{"tiny", value}}};
    CHECK(open_tags(report_page(strange, made_at)).empty());
  }
}

TEST_CASE("report: every fact of a captured machine has its place") {
  const auto files = system::Files::open((fettle::test::tests_dir() / "nodes" / "baremetal-spx").string());
  REQUIRE(files);
  serve::Inputs inputs = whole_node();
  inputs.facts = app::facts_json(facts::gather(*files));
  const std::string page = page_of(inputs);
  for (const char* const part : {"Ubuntu 24.04.3 LTS", "6.14.0-33-generic", "8, PCI device 0x74a1, at 0000:",
                                 "30.10.2", "7.0.2 in /opt/rocm", "socket"}) {
    CAPTURE(part);
    CHECK(has(page, part));
  }
}

TEST_CASE("report: the growth of a shelf is drawn from what was measured, and only then") {
  serve::Inputs inputs = whole_node();
  // 2 MiB in 2 s, then 1 MiB in 1 s with 3 MiB verified in it: the scale ends at 5 MiB/s.
  CHECK(has(page_of(inputs), "<span>5.0 MiB/s</span><span>2.5 MiB/s</span><span>0</span>"));
  CHECK(has(page_of(inputs), "d=\"M0.0 160.0 L666.7 160.0 L666.7 160.0 L1000.0 160.0 \""));
  CHECK(has(page_of(inputs), "Filled: fetched, 1.0 MiB/s in the mean over 3 s"));
  inputs.shelves[0].history.resize(1);
  CHECK_FALSE(has(page_of(inputs), "class=\"growth\""));
}

TEST_CASE("report: the command prints or leaves the page, and tells which kinds there are") {
  serve::Inputs inputs = whole_node();
  inputs.refresh = {};  // never stale: it was looked at when the machine started
  ServedNode node(inputs);
  CHECK(node.run(&run_report, {"--html"}) == 0);
  CHECK(node.out.str().starts_with("<!doctype html>"));
  CHECK(node.out.str().ends_with("</html>\n"));
  CHECK(node.run(&run_report, {"--html", "--output", "/tmp/report.html"}) == 0);
  CHECK(node.out.str().empty());
  const auto left = node.tree.files().read("/tmp/report.html");
  REQUIRE(left);
  CHECK(left->starts_with("<!doctype html>"));
  CHECK(node.run(&run_report, {}, Format::json) == 0);
  const json::value all = parsed(node.out.str());
  CHECK(json_text(*json_field(all, "status"), "state") == "ready");
  CHECK(json_list(all, "shelves").size() == 2);
  CHECK(node.run(&run_report, {}) == 64);
  CHECK(node.err.str().find("fettle report --html") != std::string::npos);
  CHECK(node.run(&run_report, {"--html", "--output", "report.html"}) == 64);
  CHECK(node.run(&run_report, {"--html", "--output", "/tmp/report.html/page"}) == 2);

  ServedNode silent;
  CHECK(silent.run(&run_report, {"--html"}) == 69);
  CHECK(silent.out.str().empty());
}
