#include "shelf/requirements.h"

#include <algorithm>

#include "base/text.h"
#include "shelf/manifest.h"

namespace fettle::shelf {
namespace {

constexpr std::string_view hash_option = "--hash=sha256:";
constexpr std::string_view client_name = "huggingface-hub";

std::string normal(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_' || c == '.') c = '-';
  }
  return text;
}

tl::unexpected<Error> refused(std::string_view path, std::size_t line, const std::string& what) {
  return fail(Why::refused,
              "cannot use '" + std::string(path) + "': line " + std::to_string(line) + " " + what,
              "`uv pip compile --generate-hashes` writes such a list from requirements.in");
}

// "name==1.2.3 --hash=sha256:… --hash=sha256:…"
Result<Requirement> parse(std::string_view text, std::string_view path, std::size_t line) {
  Requirement one;
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    if (one.name.empty()) {
      const auto at = word.find("==");
      if (word[0] == '-') return refused(path, line, "is an option, not a requirement");
      if (at == std::string_view::npos || at == 0 || at + 2 == word.size())
        return refused(path, line, "has no exact version (NAME==VERSION)");
      one.name = normal(word.substr(0, at));
      one.version = std::string(word.substr(at + 2));
    } else if (word.substr(0, hash_option.size()) == hash_option && word.size() == hash_option.size() + 64 &&
               is_blob_name(word.substr(hash_option.size()))) {
      ++one.hashes;
    } else {
      return refused(path, line,
                     "has '" + std::string(word) + "', which is no --hash=sha256:… of 64 hex digits");
    }
  }
  if (one.hashes == 0) return refused(path, line, "has no hash");
  return one;
}

}  // namespace

Result<std::vector<Requirement>> parse_requirements(std::string_view text, std::string_view path) {
  std::vector<Requirement> all;
  std::string pending;
  std::size_t number = 0;
  std::size_t first = 0;
  for (std::string_view line : lines(text)) {
    ++number;
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    if (pending.empty()) first = number;
    const bool goes_on = line.back() == '\\';
    if (goes_on) line.remove_suffix(1);
    pending.append(line).append(" ");
    if (goes_on) continue;
    auto one = parse(pending, path, first);
    if (!one) return fail(one.error());
    all.push_back(std::move(*one));
    pending.clear();
  }
  if (!pending.empty()) return refused(path, first, "does not end");
  const bool has_client =
      std::any_of(all.begin(), all.end(), [](const Requirement& each) { return each.name == client_name; });
  if (has_client) return all;
  return fail(Why::refused, "cannot use '" + std::string(path) + "': huggingface_hub is not in it",
              "is it the list of another program?");
}

}  // namespace fettle::shelf
