#include "shelf/sha256_pair.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace fettle::shelf {
namespace {

constexpr std::size_t block = 64;

#if defined(__x86_64__)

// FIPS 180-4, section 4.2.2.
alignas(16) constexpr std::array<std::uint32_t, 64> constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define FETTLE_SHA [[gnu::target("sha,sse4.1,ssse3"), gnu::always_inline]]

// One stream in the registers. The instructions want the eight words as (a, b, e, f) and (c, d, g, h).
struct Registers {
  __m128i abef, cdgh;
  __m128i words[4];  // the last sixteen of the message schedule; std::array would lose its alignment
};

FETTLE_SHA inline void load_state(Registers& r, const std::uint32_t* state) {
  const __m128i dcba = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state));
  const __m128i hgfe = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state + 4));
  const __m128i cdab = _mm_shuffle_epi32(dcba, 0xB1);
  const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1B);
  r.abef = _mm_alignr_epi8(cdab, efgh, 8);
  r.cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
}

FETTLE_SHA inline void store_state(const Registers& r, std::uint32_t* state) {
  const __m128i feba = _mm_shuffle_epi32(r.abef, 0x1B);
  const __m128i dchg = _mm_shuffle_epi32(r.cdgh, 0xB1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

FETTLE_SHA inline void load_words(Registers& r, const char* data) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  for (std::size_t i = 0; i < 4; ++i) {
    r.words[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data) + i), big_endian);
  }
}

// Rounds 4 * step to 4 * step + 3.
FETTLE_SHA inline void four_rounds(Registers& r, std::size_t step) {
  const __m128i k = _mm_load_si128(reinterpret_cast<const __m128i*>(constants.data()) + step);
  const __m128i sum = _mm_add_epi32(r.words[step % 4], k);
  r.cdgh = _mm_sha256rnds2_epu32(r.cdgh, r.abef, sum);
  r.abef = _mm_sha256rnds2_epu32(r.abef, r.cdgh, _mm_shuffle_epi32(sum, 0x0E));
}

// The four words of the schedule that are needed four steps later, in place of the oldest four.
FETTLE_SHA inline void next_words(Registers& r, std::size_t step) {
  const __m128i last = r.words[(step + 3) % 4];
  __m128i next = _mm_sha256msg1_epu32(r.words[step % 4], r.words[(step + 1) % 4]);
  next = _mm_add_epi32(next, _mm_alignr_epi8(last, r.words[(step + 2) % 4], 4));
  r.words[step % 4] = _mm_sha256msg2_epu32(next, last);
}

FETTLE_SHA inline void add_state(Registers& r, const __m128i& abef, const __m128i& cdgh) {
  r.abef = _mm_add_epi32(r.abef, abef);
  r.cdgh = _mm_add_epi32(r.cdgh, cdgh);
}

[[gnu::target("sha,sse4.1,ssse3")]] void compress_one_stream(std::uint32_t* state, const char* data,
                                                             std::size_t blocks) {
  Registers r;
  load_state(r, state);
  for (; blocks > 0; --blocks, data += block) {
    const __m128i abef = r.abef;
    const __m128i cdgh = r.cdgh;
    load_words(r, data);
#pragma GCC unroll 16
    for (std::size_t step = 0; step < 16; ++step) {
      four_rounds(r, step);
      if (step < 12) next_words(r, step);
    }
    add_state(r, abef, cdgh);
  }
  store_state(r, state);
}

[[gnu::target("sha,sse4.1,ssse3")]] void compress_two_streams(std::uint32_t* state_a, const char* a,
                                                              std::uint32_t* state_b, const char* b,
                                                              std::size_t blocks) {
  Registers ra;
  Registers rb;
  load_state(ra, state_a);
  load_state(rb, state_b);
  for (; blocks > 0; --blocks, a += block, b += block) {
    const __m128i abef_a = ra.abef;
    const __m128i cdgh_a = ra.cdgh;
    const __m128i abef_b = rb.abef;
    const __m128i cdgh_b = rb.cdgh;
    load_words(ra, a);
    load_words(rb, b);
#pragma GCC unroll 16
    for (std::size_t step = 0; step < 16; ++step) {
      four_rounds(ra, step);
      four_rounds(rb, step);
      if (step < 12) {
        next_words(ra, step);
        next_words(rb, step);
      }
    }
    add_state(ra, abef_a, cdgh_a);
    add_state(rb, abef_b, cdgh_b);
  }
  store_state(ra, state_a);
  store_state(rb, state_b);
}

#undef FETTLE_SHA

#else

// Never called: has_sha_instructions() is false.
void compress_one_stream(std::uint32_t*, const char*, std::size_t) {}
void compress_two_streams(std::uint32_t*, const char*, std::uint32_t*, const char*, std::size_t) {}

#endif

}  // namespace

bool has_sha_instructions() {
#if defined(__x86_64__)
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return false;
  const bool has_sse = (ecx & bit_SSSE3) != 0 && (ecx & bit_SSE4_1) != 0;
  constexpr unsigned sha_bit = 1U << 29U;  // leaf 7, EBX
  return has_sse && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & sha_bit) != 0;
#else
  return false;
#endif
}

void Sha256Stream::compress(State& state, const char* data, std::size_t blocks) {
  if (blocks > 0) compress_one_stream(state.data(), data, blocks);
}

void Sha256Stream::compress_both(State& a, const char* data_a, State& b, const char* data_b,
                                 std::size_t blocks) {
  if (blocks > 0) compress_two_streams(a.data(), data_a, b.data(), data_b, blocks);
}

// What was left over and the beginning of `bytes`; gives what comes behind.
std::string_view Sha256Stream::complete_block(std::string_view bytes) {
  total_ += bytes.size();
  if (kept_size_ == 0) return bytes;
  const std::size_t more = std::min(block - kept_size_, bytes.size());
  std::memcpy(kept_.data() + kept_size_, bytes.data(), more);
  kept_size_ += more;
  if (kept_size_ == block) {
    compress(state_, kept_.data(), 1);
    kept_size_ = 0;
  }
  return bytes.substr(more);
}

void Sha256Stream::keep(std::string_view rest) {
  if (rest.empty()) return;
  std::memcpy(kept_.data(), rest.data(), rest.size());
  kept_size_ = rest.size();
}

void Sha256Stream::add(std::string_view bytes) {
  bytes = complete_block(bytes);
  const std::size_t whole = bytes.size() / block;
  compress(state_, bytes.data(), whole);
  keep(bytes.substr(whole * block));
}

void Sha256Stream::add_both(Sha256Stream& a, std::string_view more_a, Sha256Stream& b,
                            std::string_view more_b) {
  more_a = a.complete_block(more_a);
  more_b = b.complete_block(more_b);
  const std::size_t blocks_a = more_a.size() / block;
  const std::size_t blocks_b = more_b.size() / block;
  const std::size_t both = std::min(blocks_a, blocks_b);
  compress_both(a.state_, more_a.data(), b.state_, more_b.data(), both);
  compress(a.state_, more_a.data() + both * block, blocks_a - both);
  compress(b.state_, more_b.data() + both * block, blocks_b - both);
  a.keep(more_a.substr(blocks_a * block));
  b.keep(more_b.substr(blocks_b * block));
}

std::string Sha256Stream::hex() {
  // One bit, zeros, and the length in bits as eight bytes, to the end of a block.
  const std::uint64_t bits = total_ * 8;
  std::string end(1, '\x80');
  const std::size_t used = (kept_size_ + 1 + 8) % block;
  end.append(used == 0 ? 0 : block - used, '\0');
  for (int shift = 56; shift >= 0; shift -= 8) end += static_cast<char>(bits >> static_cast<unsigned>(shift));
  add(end);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint32_t word : state_) {
    for (int shift = 28; shift >= 0; shift -= 4) text += digits[(word >> static_cast<unsigned>(shift)) & 15U];
  }
  return text;
}

}  // namespace fettle::shelf
