#include "base/pattern.h"

#include <doctest/doctest.h>

#include <string>

using namespace fettle;

TEST_CASE(
    "pattern: matches anywhere in a text, also in one without an end and in one with control characters") {
  const auto pattern = Pattern::compile("ring [a-z0-9_.]+ timeout|\\[gfxhub[0-9]*\\].*fault");
  REQUIRE(pattern);
  const std::string text = "amdgpu: ring sdma0.0 timeout, signaled";
  CHECK(pattern->matches(text));
  CHECK(pattern->matches("[gfxhub0] page fault"));
  CHECK_FALSE(pattern->matches(std::string_view(text).substr(0, 22)));  // ends before "timeout" does
  CHECK_FALSE(pattern->matches(""));
  CHECK_FALSE(pattern->matches("Ring sdma0 timeout"));
  CHECK(pattern->matches("\x1b[31m\x07 ring gfx timeout"));
}

TEST_CASE("pattern: what is no pattern, and what could take for ever, is refused with the reason") {
  struct Row {
    std::string text;
    const char* reason;
  };
  for (const Row& row : {
           Row{"", "it is empty"},
           Row{"(a)\\1", "it refers back to a group"},
           Row{"a{1000}", "it counts repetitions with '{'"},
           Row{"\"\\\"" + std::string(60, '+') + "6.14.0", "three repetitions"},
           Row{"((((a+)*)?)+)", "three repetitions"},
           Row{"[[:alpha:]" + std::string(20, '+') + "]" + std::string(20, '+'), "three repetitions"},
           Row{"a(b", "cannot use the pattern 'a(b'"},
           Row{"[z", "cannot use the pattern '[z'"},
       }) {
    CAPTURE(row.text);
    const auto pattern = Pattern::compile(row.text);
    REQUIRE_FALSE(pattern);
    CHECK(pattern.error().why == Why::malformed);
    CHECK(pattern.error().said.find(row.reason) != std::string::npos);
  }
  CHECK(Pattern::compile("\\{[0-9]+\\}"));
  CHECK(Pattern::compile("a\\++[]+" + std::string(60, '+') +
                         "]+((ab+c)?d)*"));  // nearly all of them are characters
}
