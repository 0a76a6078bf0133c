// Bytes: a count of bytes that cannot be mixed up with other numbers.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fettle {

struct Bytes {
  std::uint64_t count = 0;

  friend auto operator<=>(const Bytes&, const Bytes&) = default;
  friend Bytes operator+(Bytes a, Bytes b) { return {a.count + b.count}; }
  friend Bytes operator-(Bytes a, Bytes b) { return {a.count > b.count ? a.count - b.count : 0}; }
  Bytes& operator+=(Bytes other) {
    count += other.count;
    return *this;
  }
};

constexpr Bytes operator""_KiB(unsigned long long n) {
  return {n << 10U};
}
constexpr Bytes operator""_MiB(unsigned long long n) {
  return {n << 20U};
}
constexpr Bytes operator""_GiB(unsigned long long n) {
  return {n << 30U};
}

// "3.5 TiB", "512 B": binary units, one decimal, for people.
std::string to_text(Bytes bytes);

// "512MiB", "1.5 TB", "100 GiB", "42 B". A unit is required: a bare number is malformed, because nobody knows
// what its writer meant.
Result<Bytes> parse_bytes(std::string_view text);

}  // namespace fettle
