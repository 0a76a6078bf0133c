// Proof that a bundle is the one that was meant: its SHA-256, or a signature by a key that the operator
// names.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace fettle::profile {

// 64 hex digits.
std::string sha256_of(std::string_view text);

// Ed25519 over the whole text; `key` is the public key as PEM, `signature` its 64 bytes. What
//   openssl pkeyutl -sign -rawin -inkey KEY -in FILE -out FILE.sig
// makes. refused when the signature is another's.
Result<void> check_signature(std::string_view text, std::string_view signature, std::string_view key);

}  // namespace fettle::profile
