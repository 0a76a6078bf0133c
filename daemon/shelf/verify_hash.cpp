#include "shelf/verify_hash.h"

#include <array>

namespace fettle::shelf {

void Hash::Free::operator()(EVP_MD_CTX* context) const {
  ::EVP_MD_CTX_free(context);
}

Hash::Hash(HashKind kind, Bytes size) : context_(::EVP_MD_CTX_new()) {
  fine_ =
      context_ && ::EVP_DigestInit_ex(context_.get(),
                                      kind == HashKind::sha256 ? ::EVP_sha256() : ::EVP_sha1(), nullptr) == 1;
  if (kind == HashKind::sha256) return;
  add("blob " + std::to_string(size.count));
  add(std::string_view("\0", 1));
}

void Hash::add(std::string_view bytes) {
  fine_ = fine_ && ::EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
}

Result<std::string> Hash::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned length = 0;
  if (!fine_ || ::EVP_DigestFinal_ex(context_.get(), raw.data(), &length) != 1)
    return fail(Why::failed, "cannot hash: OpenSSL refused",
                "does its configuration (FIPS mode) forbid SHA-1? git's files need it");
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text += digits[raw[i] >> 4U];
    text += digits[raw[i] & 15U];
  }
  return text;
}

}  // namespace fettle::shelf
