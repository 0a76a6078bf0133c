#include <doctest/doctest.h>

#include "base/json.h"

using namespace fettle;

TEST_CASE("json: what is not JSON or too deep is an error that names the text") {
  CHECK(parse_json("{", "the record").error().said.rfind("cannot read the record: it is not JSON", 0) == 0);
  CHECK_FALSE(parse_json(std::string(40, '[') + std::string(40, ']'), "it"));
  CHECK(parse_json(std::string(30, '[') + std::string(30, ']'), "it"));
}

TEST_CASE("json: a mistake is told with line and column") {
  CHECK(parse_json("{\n \"a\": x}", "it").error().said.find("at line 2, column 7") != std::string::npos);
  CHECK(parse_json("{} {}", "it").error().said.find("at line 1, column 4") != std::string::npos);
  CHECK(parse_json("{}\n \n", "it"));
}

TEST_CASE("json: a missing field and one of another type give nothing") {
  const auto value = parse_json(R"({"text": "a", "count": 3, "negative": -1})", "it");
  REQUIRE(value);
  CHECK(json_text(*value, "text") == "a");
  CHECK(json_text(*value, "count").empty());
  CHECK(json_count(*value, "count") == 3);
  CHECK(json_count(*value, "negative") == 0);
  CHECK(json_field(*value, "none") == nullptr);
}

TEST_CASE("json: files are written for people too") {
  const boost::json::value value = {{"a", {1, 2}}, {"b", boost::json::object{}}, {"c", "x\"y"}};
  CHECK(pretty_json(value) == "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": \"x\\\"y\"\n}\n");
}
