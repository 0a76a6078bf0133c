// Hash: SHA-256 of a content, or git's SHA-1 of "blob SIZE\0content", one stream at a time through OpenSSL.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace fettle::shelf {

// By the length of the blob's name: 64 hex digits or 40.
enum class HashKind { sha256, git };

inline HashKind hash_kind_of(std::string_view blob_name) {
  return blob_name.size() == 64 ? HashKind::sha256 : HashKind::git;
}

class Hash {
 public:
  Hash(HashKind kind, Bytes size);
  void add(std::string_view bytes);
  // Lower case hex. failed when OpenSSL refused, as a FIPS build may refuse SHA-1.
  Result<std::string> hex();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const;
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  bool fine_ = false;
};

}  // namespace fettle::shelf
