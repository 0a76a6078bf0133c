#include "profile/bundle_proof.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <climits>
#include <memory>

namespace fettle::profile {
namespace {

constexpr std::size_t signature_size = 64;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)>;

Result<Key> read_key(std::string_view pem) {
  const Error bad{Why::malformed, "cannot use the key: it is no public Ed25519 key as PEM",
                  "`openssl pkey -in KEY -pubout` prints the public half of a key"};
  if (pem.size() > INT_MAX) return fail(bad);
  const std::unique_ptr<BIO, decltype(&::BIO_free)> text(
      ::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &::BIO_free);
  if (!text) return fail(bad);
  Key key(::PEM_read_bio_PUBKEY(text.get(), nullptr, nullptr, nullptr), &::EVP_PKEY_free);
  if (!key || ::EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) return fail(bad);
  return key;
}

}  // namespace

std::string sha256_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  // Only a library without SHA-256 fails here; then no text has the hash that is wanted.
  if (::EVP_Digest(text.data(), text.size(), digest.data(), &length, ::EVP_sha256(), nullptr) != 1) return {};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned at = 0; at < length; ++at) {
    hex += digits[digest[at] >> 4U];
    hex += digits[digest[at] & 15U];
  }
  return hex;
}

Result<void> check_signature(std::string_view text, std::string_view signature, std::string_view pem) {
  const auto key = read_key(pem);
  if (!key) return fail(key.error());
  if (signature.size() != signature_size) {
    return fail(Why::malformed,
                "cannot use the signature: it has " + std::to_string(signature.size()) + " bytes and not 64",
                "`openssl pkeyutl -sign -rawin -inkey KEY -in BUNDLE -out BUNDLE.sig` makes one");
  }
  const std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> context(::EVP_MD_CTX_new(),
                                                                          &::EVP_MD_CTX_free);
  if (context && ::EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key->get()) == 1 &&
      ::EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size()) ==
          1) {
    return {};
  }
  return fail(Why::refused, "cannot trust the bundle: the signature is not of this file by this key",
              "was the bundle changed on its way, or is the key another one?");
}

}  // namespace fettle::profile
