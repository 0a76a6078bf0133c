// Writer: a tar that has the same bytes for the same content: no owner, no times, names in the order they
// come.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "system/files.h"

namespace fettle::archive {

// Model weights hardly shrink: plain is right for them, zstd for texts and compiled kernels.
enum class Compression { plain, zstd };

// By the name: ".zst" is zstd, everything else plain.
Compression compression_of(std::string_view path);

class Writer {
 public:
  // Writes beside `path` and puts it in place in finish(); an unfinished one is removed.
  static Result<Writer> create(const system::Files& files, std::string_view path, Compression compression);

  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  Result<void> add_text(std::string_view name, std::string_view content, mode_t mode = 0644);

  // A directory that would not be made by what lies in it, and a link, wherever it points.
  Result<void> add_directory(std::string_view name);
  Result<void> add_link(std::string_view name, std::string_view target);

  // The regular file `from`, which must have this size and keep it; read in pieces of 1 MiB, `tick` asked
  // after each.
  Result<void> add_file(std::string_view name, std::string_view from, Bytes size,
                        const std::function<Result<void>()>& tick);

  Result<void> finish();

 private:
  struct State;
  explicit Writer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fettle::archive
