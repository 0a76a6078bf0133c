// Compiled: where code that was compiled for one image and one kind of GPU lies in the cache. Variables and
// `fettle jit` both take it from here.
#pragma once

#include <string>
#include <string_view>

#include "profile/profile.h"

namespace fettle::profile {

// "sha256:" and 64 hex digits: what an image is, whatever it is called.
bool is_digest(std::string_view image);

// "0123456789abcdef-gfx942" of a digest: no two images share it, nor does one image on two kinds of GPU. Of a
// name its letters, as a file name may have them; never the key of a digest.
std::string image_key(std::string_view image, std::string_view gfx);

// The directory <cache>/<name>/<key>; with CacheDirectory::file that file in <cache>/<name>, in whose name
// {image} is the key and {container} the container's name.
std::string compiled_place(const Cache& cache, const CacheDirectory& directory, std::string_view key,
                           std::string_view container);

}  // namespace fettle::profile
