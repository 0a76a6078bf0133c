#include "jit/manifest.h"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>

#include "base/json.h"
#include "profile/compiled.h"
#include "profile/rules.h"

namespace fettle::jit {
namespace {

constexpr std::uint64_t schema = 1;

// Shown on terminals, and a part of paths.
bool is_plain(std::string_view text) {
  return text.size() <= 512 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
}

bool is_gfx(std::string_view text) {
  return text.starts_with("gfx") && text.size() > 3 && text.size() <= 16 &&
         text.find_first_not_of("0123456789abcdef", 3) == std::string_view::npos;
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  return pretty_json(boost::json::object{{"schema", schema},
                                         {"kind", "jit"},
                                         {"cache", manifest.cache},
                                         {"gfx", manifest.gfx},
                                         {"image", manifest.image},
                                         {"reference", manifest.reference},
                                         {"engine", manifest.engine},
                                         {"rocm", manifest.rocm},
                                         {"files", manifest.files},
                                         {"bytes", manifest.bytes.count}});
}

Result<Manifest> read_manifest(std::string_view text, std::string_view what) {
  const auto value = parse_json(text, what);
  if (!value) return fail(value.error());
  const auto malformed = [&](const std::string& why) {
    return fail(Why::malformed, "cannot read " + std::string(what) + ": " + why,
                "only what `fettle jit export` wrote can be taken");
  };
  if (json_text(*value, "kind") != "jit") return malformed("its 'kind' is not 'jit'");
  if (json_count(*value, "schema") != schema) return malformed("its 'schema' is not 1");
  Manifest out;
  struct Row {
    const char* key;
    std::string Manifest::*member;
  };
  for (const Row& row : std::array{Row{"cache", &Manifest::cache}, Row{"gfx", &Manifest::gfx},
                                   Row{"image", &Manifest::image}, Row{"reference", &Manifest::reference},
                                   Row{"engine", &Manifest::engine}, Row{"rocm", &Manifest::rocm}}) {
    out.*(row.member) = json_text(*value, row.key);
    if (!is_plain(out.*(row.member)))
      return malformed(std::string("its '") + row.key + "' is not a plain text of at most 512 bytes");
  }
  if (!profile::is_name(out.cache)) return malformed("its 'cache' is no name of a cache directory");
  if (!is_gfx(out.gfx)) return malformed("its 'gfx' is no name of an architecture, such as gfx942");
  if (!out.image.empty() && !profile::is_digest(out.image))
    return malformed("its 'image' is no digest: sha256: and 64 hex digits");
  out.files = json_count(*value, "files");
  out.bytes = {json_count(*value, "bytes")};
  return out;
}

}  // namespace fettle::jit
