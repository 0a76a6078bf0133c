// docs/api.md and docs/metrics.md: written from what the program answers, as the golden pages keep it.
#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "support/golden.h"
#include "support/source.h"

namespace {

namespace json = boost::json;

std::string golden(const std::string& name) {
  std::ifstream file(fettle::test::tests_dir() / "golden" / name);
  REQUIRE_MESSAGE(file, name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string linked(const json::object& schema) {
  const std::string target = text_of(schema, "$ref");
  if (target.empty()) return {};
  const std::string name = target.substr(target.find_last_of('/') + 1);
  std::string anchor;
  for (const char c : name) anchor += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return "[" + name + "](#" + anchor + ")";
}

// "integer or null", "list of [Shelf](#shelf)".
std::string type_of(const json::object& schema) {
  if (const std::string link = linked(schema); !link.empty()) return link;
  const json::value* const type = schema.if_contains("type");
  if (type == nullptr) return "anything";
  if (type->is_array()) {
    std::string all;
    for (const json::value& each : type->get_array())
      all += (all.empty() ? "" : " or ") + std::string(each.get_string());
    return all;
  }
  if (type->get_string() != "array") return std::string(type->get_string());
  return "list of " + type_of(schema.at("items").as_object());
}

std::string words_of(const json::object& schema) {
  std::string says = text_of(schema, "description");
  if (const json::value* const words = schema.if_contains("enum")) {
    says += ": ";
    bool is_first = true;
    for (const json::value& word : words->get_array()) {
      says += (is_first ? "`" : ", `") + std::string(word.get_string()) + "`";
      is_first = false;
    }
  }
  return says;
}

std::string answer_of(const json::object& operation) {
  const json::object& responses = operation.at("responses").as_object();
  const json::value* const good = responses.if_contains("200");
  if (good == nullptr) return "202, nothing else";
  const json::object& content = good->at("content").as_object();
  const json::object& schema = content.begin()->value().at("schema").as_object();
  const std::string link = linked(schema);
  return link.empty() ? std::string(content.begin()->key()) : link;
}

std::string api_page() {
  const json::object api = json::parse(golden("serve-openapi.json")).as_object();
  std::string page =
      "# The interface of fettled\n\n"
      "HTTP/1.1 over Unix sockets; `fettled(8)` has the limits, the event stream and the words that the "
      "control\n"
      "socket takes. `GET /v1/openapi.json` answers the same for machines. Every answer can have an `ETag`; "
      "with\n"
      "`If-None-Match` the answer is 304 while nothing changed. A request that is refused gets a "
      "[Problem](#problem).\n"
      "This page is written by the tests from what the program answers; do not edit it.\n\n"
      "    curl --unix-socket /run/fettle/status.sock http://fettle/v1/status\n\n"
      "| request | socket | says | answer |\n|---|---|---|---|\n";
  for (const auto& path : api.at("paths").as_object()) {
    for (const auto& method : path.value().as_object()) {
      const json::object& operation = method.value().as_object();
      std::string verb(method.key());
      for (char& c : verb) c = static_cast<char>(c - 'a' + 'A');
      const std::string socket = text_of(operation, "x-socket");
      page += "| `" + verb + " " + std::string(path.key()) + "` | `" +
              socket.substr(socket.find_last_of('/') + 1) + "` | " + text_of(operation, "summary") + " | " +
              answer_of(operation) + " |\n";
    }
  }
  for (const auto& schema : api.at("components").at("schemas").as_object()) {
    page += "\n## " + std::string(schema.key()) + "\n\n| field | type | is |\n|---|---|---|\n";
    for (const auto& field : schema.value().at("properties").as_object()) {
      const json::object& what = field.value().as_object();
      page += "| `" + std::string(field.key()) + "` | " + type_of(what) + " | " + words_of(what) + " |\n";
    }
  }
  return page;
}

struct Metric {
  std::string name;
  std::string help;
  std::string type;
  std::vector<std::string> labels;
};

std::vector<std::string> labels_of(std::string_view sample) {
  std::vector<std::string> labels;
  const auto open = sample.find('{');
  if (open == std::string_view::npos) return labels;
  bool is_inside = false;
  std::string name;
  for (const char c : sample.substr(open + 1)) {
    if (c == '"') {
      is_inside = !is_inside;
    } else if (is_inside) {
      continue;
    } else if (c == '}') {
      break;
    } else if (c == '=') {
      labels.push_back(name);
    } else if (c == ',') {
      name.clear();
    } else {
      name += c;
    }
  }
  return labels;
}

// In the order of the page; the first sample of each tells its labels.
std::vector<Metric> metrics_of(const std::string& text) {
  std::vector<Metric> metrics;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string mark;
    std::string kind;
    words >> mark >> kind;
    if (mark == "#" && kind == "HELP") {
      Metric& metric = metrics.emplace_back();
      words >> metric.name >> std::ws;
      std::getline(words, metric.help);
    } else if (mark == "#" && kind == "TYPE" && !metrics.empty()) {
      std::string name;
      words >> name >> metrics.back().type;
    } else if (mark != "#" && !metrics.empty() && metrics.back().labels.empty()) {
      metrics.back().labels = labels_of(line);
    }
  }
  return metrics;
}

std::string metrics_page(const std::vector<Metric>& metrics) {
  std::string page =
      "# The metrics of fettled\n\n"
      "`GET /metrics` on `/run/fettle/status.sock`, as Prometheus text or OpenMetrics, and `fettle metrics`. "
      "Names end in\n"
      "their unit and are never changed. This page is written by the tests from what the program prints; do "
      "not edit it.\n\n"
      "| metric | type | labels | is |\n|---|---|---|---|\n";
  for (const Metric& metric : metrics) {
    std::string labels;
    for (const std::string& label : metric.labels) labels += (labels.empty() ? "`" : ", `") + label + "`";
    page += "| `" + metric.name + "` | " + metric.type + " | " + labels + " | " + metric.help + " |\n";
  }
  return page;
}

}  // namespace

TEST_CASE("docs: docs/api.md is what the program says of its requests and answers") {
  fettle::test::check_golden("../../docs/api.md", api_page());
}

TEST_CASE("docs: docs/metrics.md is what the program says of its metrics, those of the textfile included") {
  std::vector<Metric> metrics = metrics_of(golden("serve-metrics.txt"));
  CHECK(metrics.size() > 25);
  for (const Metric& metric : metrics_of(golden("cli-metrics-no-daemon.prom"))) {
    const bool is_known = std::any_of(metrics.begin(), metrics.end(),
                                      [&](const Metric& known) { return known.name == metric.name; });
    if (!is_known) metrics.push_back(metric);
  }
  for (const Metric& metric : metrics) {
    CAPTURE(metric.name);
    CHECK_FALSE(metric.help.empty());
    CHECK_FALSE(metric.type.empty());
  }
  fettle::test::check_golden("../../docs/metrics.md", metrics_page(metrics));
}
