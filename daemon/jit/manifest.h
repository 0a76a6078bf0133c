// Manifest: what compiled code was made by and for. It lies beside the code of an image, and first in an
// archive.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace fettle::jit {

inline constexpr std::string_view manifest_file = ".fettle-jit.json";

struct Manifest {
  std::string cache;      // "aiter": the directory of the profile
  std::string gfx;        // "gfx942"
  std::string image;      // its digest; empty where images share the code
  std::string reference;  // what the image was called: "vllm/vllm-openai-rocm:v0.23.0"
  std::string engine;     // "vllm 0.23.0"
  std::string rocm;       // of the image: "7.2.3"; empty = not known
  // Of an archive: what follows.
  std::uint64_t files = 0;
  Bytes bytes;
};

std::string to_json(const Manifest& manifest);

// malformed unless it is one of ours; `what` names it in the error. Texts are checked: they become paths.
Result<Manifest> read_manifest(std::string_view text, std::string_view what);

}  // namespace fettle::jit
