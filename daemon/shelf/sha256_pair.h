// Sha256Pair: the SHA-256 of two streams at a time on one core. The processor's SHA instructions wait for
// their own results; with a second, independent stream in between they do not: 1.9 times the bytes of one
// stream.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fettle::shelf {

// Does this processor have what it takes? Without it use OpenSSL, one stream at a time.
bool has_sha_instructions();

// The state of one stream. Only with has_sha_instructions().
class Sha256Stream {
 public:
  // Adds the beginning of `bytes` that makes whole 64-byte blocks together with what was left over before,
  // and keeps the rest.
  void add(std::string_view bytes);

  // As a.add(more_a) and b.add(more_b), at nearly twice the speed where both have bytes.
  static void add_both(Sha256Stream& a, std::string_view more_a, Sha256Stream& b, std::string_view more_b);

  // Ends the stream: 64 hex digits.
  std::string hex();

 private:
  using State = std::array<std::uint32_t, 8>;

  std::string_view complete_block(std::string_view bytes);
  void keep(std::string_view rest);
  static void compress(State& state, const char* data, std::size_t blocks);
  static void compress_both(State& a, const char* data_a, State& b, const char* data_b, std::size_t blocks);

  // FIPS 180-4, section 5.3.3.
  State state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<char, 64> kept_{};
  std::size_t kept_size_ = 0;
  std::uint64_t total_ = 0;  // bytes
};

}  // namespace fettle::shelf
