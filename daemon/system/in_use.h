// Is a file open anywhere, or mapped? Asked before something is removed for good.
#pragma once

#include <string_view>

#include "system/files.h"

namespace fettle::system {

// True when a process, this one left out, has the file open or mapped. The kernel answers by lending us the
// only descriptor (a write lease): it needs the file's owner or root, and a local file system. Without these
// it is an error, never "no".
Result<bool> is_in_use(const Files& files, std::string_view path);

}  // namespace fettle::system
