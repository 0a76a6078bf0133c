// Seed: the place of an image's compiled code begins with what the image itself brings, which an empty
// directory would hide.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jit/look.h"

namespace fettle::jit {

struct Seeded {
  Manifest manifest;
  std::string path;
};

// For each cache whose entry in the profile says where an image has it: asks docker, or podman, for the
// image's digest and copies the directory out of it; no program of the image is run but its Python, without a
// network. missing when the image is not on this node, refused when it has a place already or no such
// package.
Result<std::vector<Seeded>> seed(const system::System& system, const profile::Profile& profile,
                                 std::string_view image, std::string_view gfx, std::string_view engine);

}  // namespace fettle::jit
