// Reader: a tar (plain, gzip or zstd) read entry by entry, with limits, in bounded memory.
//
// The archive is hostile input: only these three forms are enabled in libarchive, every name is checked, and
// hard links, devices, FIFOs and setuid files end the reading. Nothing is written here; see Staging.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "archive/entry.h"
#include "system/files.h"

namespace fettle::archive {

struct Limits {
  std::uint64_t entries = 100'000;
  Bytes total{16ULL << 40U};  // of all contents; 16 TiB: the largest shelf we know of is 10.7 TB
  unsigned ratio =
      100;  // contents to archive; looked at after the first 64 MiB, so that small texts may shrink well
};

class Reader {
 public:
  // `path` as Files sees it. malformed when it is none of the three forms.
  static Result<Reader> open(const system::Files& files, std::string_view path, const Limits& limits = {});

  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  // The next entry, or nothing at the end. What is left of the current content is skipped.
  Result<std::optional<Entry>> next();

  // Hands out the content of the current entry in pieces of at most 1 MiB; an error of `take` ends it.
  using Take = std::function<Result<void>(std::string_view)>;
  Result<void> content(const Take& take);

  // The whole content of the current entry; malformed above the limit.
  Result<std::string> text(Bytes limit);

 private:
  struct State;
  explicit Reader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fettle::archive
