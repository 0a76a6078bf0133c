// The kernel that the next boot takes, and whether it will have the driver.
#pragma once

#include <string>

#include "facts/fact.h"

namespace fettle::facts {

enum class SecureBoot { off, on };
enum class Signature { absent, present };

// Boot loaders of Debian and Ubuntu take the newest kernel below /boot unless somebody said otherwise.
struct NextBoot {
  std::string kernel;          // "6.14.0-33-generic": the newest installed one
  std::string dkms_module;     // path of the driver that DKMS built for it, or of its note; empty = none
  std::string own_module;      // path of the kernel's own driver; empty = none
  bool has_headers = false;    // those of this kernel, which DKMS builds with
  std::string dkms_version;    // of amdgpu in DKMS; empty = DKMS does not know it
  std::string chosen_by_hand;  // GRUB_DEFAULT when it is not 0: then another kernel may be booted
  bool has_owner_key = false;  // the machine owner's key that DKMS signs with
  Fact<SecureBoot> secure_boot;
  Fact<Signature> signature;  // of the DKMS module; a compressed one does not tell without unpacking
};

}  // namespace fettle::facts
