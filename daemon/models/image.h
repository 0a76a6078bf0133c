// Image: which engine is inside a container image, from its reference or from the versions file that it
// carries.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "models/advise.h"

namespace fettle::models {

// "vllm/vllm-openai-rocm:v0.23.0", "rocm/vllm:rocm7.0.0_vllm_0.11.1_20251024",
// "lmsysorg/sglang:v0.5.9-rocm700-mi30x", each also with "@sha256:…". What the reference does not tell stays
// empty; the image is its digest when it has one. malformed when it is no reference.
Result<Engine> engine_of_image(std::string_view reference);

// Lines "NAME: value" or "NAME=value" of the image's /app/versions.txt. AITER_BRANCH and, where it holds a
// version, VLLM_BRANCH are taken over. malformed when none of the two is there.
Result<Engine> with_versions(Engine engine, std::string_view text, std::string_view file);

}  // namespace fettle::models
