#include "base/pattern.h"

#include <regex.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace fettle {
namespace {

// The C library compiles "x+" as "xx*": each '+' around another doubles what is inside, thirty are gigabytes;
// and sixteen '*' around each other are minutes.
constexpr int deepest_repeats = 3;

// The end of the bracket expression that begins here: "[]a]", "[^]a]", "[[:alpha:]]".
std::size_t end_of_bracket(std::string_view text, std::size_t at) {
  ++at;
  if (at < text.size() && text[at] == '^') ++at;
  if (at < text.size() && text[at] == ']') ++at;
  while (at < text.size() && text[at] != ']') {
    const bool is_class = text.substr(at, 2) == "[:" && text.find(":]", at + 2) != std::string_view::npos;
    at = is_class ? text.find(":]", at + 2) + 2 : at + 1;
  }
  return at;
}

// How deep repetitions stand in each other: 2 for "(a+b)*" and for "a+*".
int depth_of(std::string_view text) {
  struct Group {
    int deepest = 0;
    int last = 0;  // of what the next '*' would repeat
    void add(int more) { deepest = std::max(deepest, last = more); }
  };
  std::vector<Group> open(1);
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '(') {
      open.emplace_back();
    } else if (text[at] == ')' && open.size() > 1) {
      const int inside = open.back().deepest;
      open.pop_back();
      open.back().add(inside);
    } else if (text[at] == '*' || text[at] == '+' || text[at] == '?') {
      open.back().add(open.back().last + 1);
    } else {
      at = text[at] == '[' ? end_of_bracket(text, at) : text[at] == '\\' ? at + 1 : at;
      open.back().add(0);
    }
    depth = std::max(depth, open.back().deepest);
  }
  return depth;
}

// Why this cannot be a pattern of ours; empty when it can.
std::string_view why_refused(std::string_view text) {
  if (text.empty()) return "it is empty";
  if (text.find('\0') != std::string_view::npos) return "it has a NUL in it";
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '{') return "it counts repetitions with '{': write '\\{' for the character";
    if (text[at] != '\\' || ++at == text.size()) continue;
    if (text[at] >= '1' && text[at] <= '9') return "it refers back to a group";
  }
  if (depth_of(text) > deepest_repeats) return "more than three repetitions stand in each other";
  return {};
}

}  // namespace

void Pattern::Free::operator()(re_pattern_buffer* compiled) const {
  ::regfree(compiled);
  delete compiled;
}

Result<Pattern> Pattern::compile(std::string_view text) {
  const std::string shown(text.substr(0, 80));
  if (const std::string_view why = why_refused(text); !why.empty())
    return fail(Why::malformed, "cannot use the pattern '" + shown + "': " + std::string(why));
  auto compiled = std::make_unique<regex_t>();
  const int err = ::regcomp(compiled.get(), std::string(text).c_str(), REG_EXTENDED);
  if (err != 0) {
    std::array<char, 128> said{};
    ::regerror(err, compiled.get(), said.data(), said.size());
    return fail(Why::malformed, "cannot use the pattern '" + shown + "': " + said.data());
  }
  return Pattern(std::unique_ptr<re_pattern_buffer, Free>(compiled.release()));
}

bool Pattern::matches(std::string_view text) const {
  return behind(text).has_value();
}

std::optional<std::string_view> Pattern::behind(std::string_view text) const {
  // With an end behind it, for whatever reads on to a NUL; REG_STARTEND says where it really ends, as there
  // may be one inside.
  const std::string ended(text);
  regmatch_t range{};
  range.rm_eo = static_cast<regoff_t>(ended.size());
  if (::regexec(compiled_.get(), ended.c_str(), 1, &range, REG_STARTEND) != 0) return std::nullopt;
  return text.substr(static_cast<std::size_t>(range.rm_eo));
}

}  // namespace fettle
