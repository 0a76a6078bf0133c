// How much memory each GPU has and how much of it is in use, as the driver counts it.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "system/files.h"

namespace fettle::facts {

struct GpuMemory {
  std::string card;  // "card1"
  Bytes total;
  Bytes used;
};

// Of all cards with memory of their own, from amdgpu's mem_info_vram_*; an empty list when the driver shows
// none.
Result<std::vector<GpuMemory>> read_gpu_memory(const system::Files& files);

}  // namespace fettle::facts
