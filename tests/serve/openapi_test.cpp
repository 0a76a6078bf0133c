// The document of the interface against what the daemon really answers.
#include "serve/openapi.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "inputs.h"
#include "serve/routes.h"
#include "support/golden.h"

using namespace fettle;
using namespace fettle::serve;

namespace {

namespace json = boost::json;

const json::object& schema_of(const json::object& document, std::string_view name) {
  return document.at("components").at("schemas").at(name).as_object();
}

std::string type_name(const json::value& value) {
  if (value.is_null()) return "null";
  if (value.is_string()) return "string";
  if (value.is_bool()) return "boolean";
  if (value.is_array()) return "array";
  return value.is_object() ? "object" : "integer";
}

// Every mistake as "place: what"; a field that the document does not know is one.
void check(const json::object& document, const json::object& schema, const json::value& value,
           const std::string& place, std::vector<std::string>& mistakes) {
  if (const json::value* const ref = schema.if_contains("$ref")) {
    const std::string name(ref->as_string());
    check(document, schema_of(document, name.substr(name.rfind('/') + 1)), value, place, mistakes);
    return;
  }
  if (const json::value* const choices = schema.if_contains("oneOf")) {
    const std::size_t which = value.is_null() ? 1 : 0;
    check(document, choices->as_array().at(which).as_object(), value, place, mistakes);
    return;
  }
  const json::value* const type = schema.if_contains("type");
  if (type == nullptr) return;  // anything
  std::set<std::string> allowed;
  if (type->is_array()) {
    for (const json::value& each : type->as_array()) allowed.emplace(each.as_string());
  } else {
    allowed.emplace(type->as_string());
  }
  if (allowed.count(type_name(value)) == 0) {
    mistakes.push_back(place + ": it is " + type_name(value));
    return;
  }
  if (const json::value* const words = schema.if_contains("enum")) {
    const json::array& list = words->as_array();
    if (std::find(list.begin(), list.end(), value) == list.end())
      mistakes.push_back(place + ": no such word");
  }
  if (schema.contains("minimum") && value.is_int64() && value.get_int64() < 0)
    mistakes.push_back(place + ": it is negative");
  if (value.is_array()) {
    for (const json::value& each : value.get_array())
      check(document, schema.at("items").as_object(), each, place + "[]", mistakes);
  }
  if (value.is_object()) {
    const json::object& known = schema.at("properties").as_object();
    for (const json::value& name : schema.at("required").as_array()) {
      if (!value.get_object().contains(name.as_string()))
        mistakes.push_back(place + ": no " + std::string(name.as_string()));
    }
    for (const auto& [name, field] : value.get_object()) {
      const json::value* const inner = known.if_contains(name);
      if (inner == nullptr) {
        mistakes.push_back(place + "." + std::string(name) + ": not in the document");
      } else {
        check(document, inner->as_object(), field, place + "." + std::string(name), mistakes);
      }
    }
  }
}

std::vector<std::string> mistakes_of(std::string_view schema, const json::value& value) {
  std::vector<std::string> mistakes;
  const json::object document = openapi_document();
  check(document, schema_of(document, schema), value, std::string(schema), mistakes);
  return mistakes;
}

Question ask(std::string_view path, Inputs inputs) {
  Question question;
  question.method = "GET";
  question.target = path;
  question.snapshot = std::make_shared<const Snapshot>(inputs);
  return question;
}

// Whatever may be null is null here.
Inputs bare_node() {
  Inputs inputs;
  inputs.taken_at = std::chrono::system_clock::time_point(std::chrono::seconds(1764000000));
  inputs.shelves = {test::shelf("tiny", Progress::waiting, "wanted")};
  inputs.findings = {test::finding("gpu.count", Status::unknown)};
  return inputs;
}

}  // namespace

TEST_CASE("openapi: every field of every answer is in the document, and every promised field in the answer") {
  for (const Inputs& inputs : {test::ready_node(), bare_node()}) {
    for (const Route& route : routes()) {
      if (route.method != "GET" || route.schema.empty() || route.schema == "OpenApi") continue;
      CAPTURE(route.path);
      std::string path(route.path);
      if (path.ends_with(any_name)) path.replace(path.size() - any_name.size(), any_name.size(), "tiny");
      const Answer got = answer(ask(path, inputs));
      const auto body = parse_json(got.head + std::string(got.rest) + got.tail, "the answer");
      REQUIRE(body);
      const auto mistakes = mistakes_of(route.schema, *body);
      CHECK(mistakes == std::vector<std::string>{});
    }
  }
}

TEST_CASE("openapi: problems and what a change answers are in the document too") {
  for (const std::string_view path : {"/v1/none", "/v1/shelves/none", "/v1/status?x"}) {
    const Answer got = answer(ask(path, test::ready_node()));
    CHECK(got.type == "application/problem+json");
    const auto mistakes = mistakes_of("Problem", *parse_json(got.head, "the answer"));
    CHECK(mistakes == std::vector<std::string>{});
  }
  Question refresh = ask("/v1/refresh", test::ready_node());
  refresh.socket = Socket::control;
  refresh.method = "POST";
  CHECK(mistakes_of("Told", *parse_json(answer(refresh).head, "the answer")).empty());
}

TEST_CASE("openapi: the check finds what is wrong") {
  const json::value good{{"thousandths_per_hour", 1}, {"currency", "USD"}};
  CHECK(mistakes_of("Price", good).empty());
  CHECK(mistakes_of("Price", {{"thousandths_per_hour", 1}}).size() == 1);
  CHECK(mistakes_of("Price", {{"thousandths_per_hour", "1"}, {"currency", "USD"}}).size() == 1);
  CHECK(mistakes_of("Price", {{"thousandths_per_hour", -1}, {"currency", "USD"}}).size() == 1);
  CHECK(mistakes_of("Price", {{"thousandths_per_hour", 1}, {"currency", "USD"}, {"new", 1}}).size() == 1);
}

TEST_CASE("openapi: every route is a path, and the document is what is served") {
  const json::object document = openapi_document();
  std::set<std::string> named;
  for (const auto& [path, methods] : document.at("paths").as_object()) {
    for (const auto& [method, operation] : methods.as_object())
      named.insert(std::string(method) + " " + std::string(path));
  }
  CHECK(named.size() == routes().size());
  CHECK(named.count("get /v1/shelves/{NAME}") == 1);
  CHECK(named.count("post /v1/refresh") == 1);
  const json::object& by_path = document.at("paths").as_object();
  CHECK(by_path.at("/v1/refresh").at("post").at("x-socket") == "/run/fettle/control.sock");
  Question question = ask("/v1/openapi.json", {});
  question.snapshot.reset();  // it needs no look
  const Answer got = answer(question);
  CHECK(got.status == 200);
  CHECK(*parse_json(got.rest, "the answer") == document);
  test::check_golden("serve-openapi.json", pretty_json(document));
}

TEST_CASE("openapi: each reference has its schema") {
  const std::string text = pretty_json(openapi_document());
  const json::object document = openapi_document();
  const std::string mark = "#/components/schemas/";
  std::size_t count = 0;
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const std::size_t begin = at + mark.size();
    const std::string name = text.substr(begin, text.find('"', begin) - begin);
    CAPTURE(name);
    CHECK(document.at("components").at("schemas").as_object().contains(name));
    ++count;
  }
  CHECK(count > 20);
}
