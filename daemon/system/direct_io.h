// Direct I/O: past the page cache, where the medium itself has to answer.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "system/files.h"

namespace fettle::system {

// Of memory, offsets and sizes for O_DIRECT: drives with 4096-byte blocks ask for that.
inline constexpr std::size_t direct_alignment = 4096;

struct FreeMemory {
  void operator()(unsigned char* memory) const { std::free(memory); }
};
using DirectBuffer = std::unique_ptr<unsigned char, FreeMemory>;

// `size` is a multiple of the alignment; null when there is no memory.
inline DirectBuffer direct_buffer(std::size_t size) {
  return DirectBuffer(static_cast<unsigned char*>(std::aligned_alloc(direct_alignment, size)));
}

// Opens with O_DIRECT; a regular file on a file system that has none (tmpfs before Linux 6.6) without.
// Devices never do without.
Result<Fd> open_direct(const Files& files, std::string_view path, int flags, mode_t mode = 0);

// Whether what is read through it comes from the medium.
bool is_direct(const Fd& fd);

}  // namespace fettle::system
