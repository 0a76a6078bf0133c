#include "shelf/sha256_pair.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

using namespace fettle::shelf;

namespace {

std::string with_openssl(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned length = 0;
  REQUIRE(::EVP_Digest(text.data(), text.size(), raw.data(), &length, ::EVP_sha256(), nullptr) == 1);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < length; ++i) hex.append(1, digits[raw[i] >> 4U]).append(1, digits[raw[i] & 15U]);
  return hex;
}

std::string text_of(std::size_t size, unsigned seed) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 31 + seed) ^ (i >> 3U));
  return text;
}

}  // namespace

TEST_CASE("sha256 pair: known answers, one stream") {
  if (!has_sha_instructions()) {
    MESSAGE("this processor has no SHA instructions: OpenSSL does the work");
    return;
  }
  Sha256Stream empty;
  CHECK(empty.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256Stream abc;
  abc.add("abc");
  CHECK(abc.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // FIPS 180-4's example of two blocks.
  Sha256Stream two;
  two.add("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
  CHECK(two.hex() == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("sha256 pair: both streams of every length and in pieces agree with OpenSSL") {
  if (!has_sha_instructions()) return;
  for (std::size_t size = 0; size < 300; ++size) {
    CAPTURE(size);
    const std::string a = text_of(size, 1);
    const std::string b = text_of(299 - size, 2);
    Sha256Stream one;
    Sha256Stream other;
    // In pieces of uneven lengths, so that blocks begin in one piece and end in the next.
    for (std::size_t at = 0; at < 300; at += 70) {
      const auto piece = [&](const std::string& text) {
        return std::string_view(text).substr(std::min(at, text.size()), 70);
      };
      Sha256Stream::add_both(one, piece(a), other, piece(b));
    }
    CHECK(one.hex() == with_openssl(a));
    CHECK(other.hex() == with_openssl(b));
  }
}

TEST_CASE("sha256 pair: a stream goes on alone when the other has ended") {
  if (!has_sha_instructions()) return;
  const std::string a = text_of(100'001, 3);
  const std::string b = text_of(1'000, 4);
  Sha256Stream one;
  Sha256Stream other;
  Sha256Stream::add_both(one, std::string_view(a).substr(0, 5000), other, b);
  one.add(std::string_view(a).substr(5000));
  CHECK(one.hex() == with_openssl(a));
  CHECK(other.hex() == with_openssl(b));
}
