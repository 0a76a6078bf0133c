// Attribute: setting one value of the kernel, in sysfs or below /proc/sys.
#pragma once

#include <string_view>

#include "base/result.h"
#include "system/files.h"

namespace fettle::system {

// Writes the value in one write(2), as the kernel wants it. The file must be there: it is never made. A value
// that the kernel does not take is an error with its words.
Result<void> set_attribute(const Files& files, std::string_view path, std::string_view value);

}  // namespace fettle::system
