// Prune: what of the compiled code nothing needs any more. Look, decide, act; nothing in use is ever touched.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "jit/look.h"

namespace fettle::jit {

// The digests of the images that docker and podman have; an error when neither is there, or one does not
// answer.
Result<std::set<std::string>> images_of_node(const system::System& system);

struct Removal {
  std::string path;
  std::string what;  // half a sentence
  Bytes bytes;
  enum class Kind { lock, place } kind = Kind::lock;
};

struct Kept {
  std::string name;
  std::string why;
};

struct Plan {
  std::vector<Removal> remove;
  std::vector<Kept> kept;  // what was asked for, or could go but for this reason
};

// Stale locks always. The place of an image when no image of the node is it, or when it is named; a cache
// that images share never. missing when a name is none of them.
Result<Plan> plan(const std::vector<Cached>& all, const Result<std::set<std::string>>& images,
                  const std::vector<std::string>& named);

struct Removed {
  Removal removal;
  Outcome outcome = Outcome::failed;
  Error error;  // of refused and failed
};

// Each is asked for once more right before: what came into use meanwhile is refused.
std::vector<Removed> apply(const Plan& plan, const system::System& system, const profile::Profile& profile);

}  // namespace fettle::jit
