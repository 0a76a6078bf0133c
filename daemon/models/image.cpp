#include "models/image.h"

#include <algorithm>

#include "base/text.h"

namespace fettle::models {
namespace {

constexpr std::string_view digest_mark = "@sha256:";

bool is_reference_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._-/:@").find(c) != std::string_view::npos;
}

// The version that begins here: digits and dots.
std::string version_at(std::string_view text) {
  const auto end = text.find_first_not_of("0123456789.");
  std::string version(text.substr(0, end));
  while (!version.empty() && version.back() == '.') version.pop_back();
  return version.find('.') == std::string::npos ? std::string() : version;
}

// A tag names it as "…vllm_0.11.1…" or begins with it: "v0.23.0".
std::string version_in_tag(std::string_view tag, std::string_view engine) {
  const std::string named = std::string(engine) + "_";
  if (const auto at = tag.find(named); at != std::string_view::npos)
    return version_at(tag.substr(at + named.size()));
  if (tag.substr(0, 1) == "v") return version_at(tag.substr(1));
  return {};
}

}  // namespace

Result<Engine> engine_of_image(std::string_view reference) {
  if (reference.empty() || reference.size() > 512 || reference.front() == '-' ||
      !std::all_of(reference.begin(), reference.end(), is_reference_character)) {
    return fail(Why::malformed,
                "cannot read '" + std::string(reference.substr(0, 80)) + "' as a reference of an image",
                "NAME:TAG or NAME@sha256:DIGEST, as docker writes it");
  }
  Engine engine;
  engine.image = reference;
  std::string_view name = reference;
  if (const auto at = reference.find(digest_mark); at != std::string_view::npos) {
    engine.image = reference.substr(at + 1);
    name = reference.substr(0, at);
  }
  std::string_view tag;
  const auto slash = name.find_last_of('/');
  if (const auto colon = name.find(':', slash == std::string_view::npos ? 0 : slash);
      colon != std::string_view::npos) {
    tag = name.substr(colon + 1);
    name = name.substr(0, colon);
  }
  for (const std::string_view known : profile::engine_names) {
    if (name.find(known) == std::string_view::npos && tag.find(known) == std::string_view::npos) continue;
    engine.name = known;
    engine.version = version_in_tag(tag, known);
  }
  return engine;
}

Result<Engine> with_versions(Engine engine, std::string_view text, std::string_view file) {
  bool found = false;
  for (const std::string_view line : lines(text)) {
    const auto mark = line.find_first_of(":=");
    if (mark == std::string_view::npos) continue;
    const std::string_view name = trim(line.substr(0, mark));
    const std::string_view value = trim(line.substr(mark + 1));
    if (value.empty() || value.size() > 128) continue;
    if (name == "AITER_BRANCH") {
      engine.aiter = value;
      found = true;
    } else if (name == "VLLM_BRANCH" && value.find('.') != std::string_view::npos && parse_release(value)) {
      engine.name = "vllm";
      engine.version = value;
      found = true;
    }
  }
  if (!found) {
    return fail(Why::malformed,
                "cannot read '" + std::string(file) + "': it names neither AITER_BRANCH nor VLLM_BRANCH",
                "docker run --rm --entrypoint cat IMAGE /app/versions.txt prints an image's own");
  }
  return engine;
}

}  // namespace fettle::models
