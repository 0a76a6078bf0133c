#include <doctest/doctest.h>

#include "profile/expression.h"

using namespace fettle::profile;

namespace {

const Symbols symbols{{"tp", Type::number, true, {}},
                      {"heads", Type::number, false, {}},
                      {"ep", Type::truth, true, {}},
                      {"quant", Type::text, false, {}}};
const std::vector<Value> facts{
    {Type::number, 8, {}}, {Type::number, 96, {}}, {Type::truth, 0, {}}, {Type::text, 0, "fp8-block"}};

double value_of(const std::string& text) {
  const auto parsed = Expression::parse(text, symbols);
  REQUIRE_MESSAGE(!parsed.mistake, text, ": ", parsed.mistake->what);
  return parsed.expression.evaluate(facts).number;
}

Expression::Mistake mistake_in(const std::string& text) {
  const auto parsed = Expression::parse(text, symbols);
  REQUIRE_MESSAGE(parsed.mistake, text);
  return *parsed.mistake;
}

}  // namespace

TEST_CASE("expression: values and precedence") {
  CHECK(value_of("1 + 2 * 3 == 7") == 1);
  CHECK(value_of("heads / tp") == 12);
  CHECK(value_of("(1 + 2) * 3 % 4") == 1);
  CHECK(value_of("100 / tp % 4") == 0.5);
  CHECK(value_of("heads / 0 + heads % 0") == 0);
  CHECK(value_of("-2 < 1 && !ep") == 1);
  CHECK(value_of("ep || quant == 'fp8-block' && tp >= 8") == 1);
  CHECK(value_of("ep ? 1 : tp > 4 ? 2 : 3") == 2);
  CHECK(value_of("tp in [1, 4 + 4]") == 1);
  CHECK(value_of("quant in ['none', 'mxfp4']") == 0);
  CHECK(value_of("is_power_of_two(160)") == 0);
  CHECK(value_of("is_power_of_two(128) && !is_power_of_two(0) && !is_power_of_two(0.5)") == 1);
  CHECK(value_of("0.85 * 2 < 1.71") == 1);
  CHECK(value_of("quant != 'none'") == 1);
}

TEST_CASE("expression: a mistake is told with its place") {
  struct Row {
    const char* text;
    std::size_t offset;
    const char* what;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"heads % tpp != 0", 8, "there is no fact 'tpp'"},
           {"quant == 1", 8, "this is a number"},
           {"tp && ep", 0, "this is a number"},
           {"quant < 'a'", 0, "this is a text"},
           {"tp >", 4, "the expression ends where a value is wanted"},
           {"(tp > 1", 7, "')' is missing here"},
           {"tp in [1", 8, "']' is missing here"},
           {"tp > 1 )", 7, "the expression goes on"},
           {"quant == 'none", 9, "the text that begins here does not end"},
           {"tp > 1.2.3", 5, "'1.2.3' is no number"},
           {"tp = 1", 3, "the expression goes on"},
           {"ep ? 1", 6, "':' is missing here"},
           {"$", 0, "no value begins with '$'"},
           {"", 0, "the expression ends where a value is wanted"},
       }) {
    CAPTURE(row.text);
    const Expression::Mistake mistake = mistake_in(row.text);
    CHECK_MESSAGE(mistake.what.find(row.what) == 0, mistake.what);
    CHECK(mistake.offset == row.offset);
  }
}

TEST_CASE("expression: depth and length are limited") {
  CHECK(mistake_in(std::string(400, '(') + "1" + std::string(400, ')')).what.find("deeper than 32 levels") !=
        std::string::npos);
  CHECK(mistake_in(std::string(999, '!') + "ep").what.find("longer than 1000") != std::string::npos);
  CHECK(mistake_in(std::string(500, '!') + "ep").what.find("deeper than 32 levels") != std::string::npos);
  std::string chain = "tp == 0";
  while (chain.size() < 980) chain += "||tp == 0";
  CHECK(value_of(chain) == 0);
}
