// What a node may keep from us and still be ready.
#pragma once

#include <string_view>

namespace fettle::serve {

// Is a finding of this id no obstacle while it is unknown? In a virtual machine the host has the error
// counters, the next boot is not today, settings of the host cost speed, the kernel log is closed to
// containers, and what an engine does or was started with is no matter of the node, nor what a deep check
// found long ago. The state is then of what could be seen, and its sentence says how much could not.
bool may_be_hidden(std::string_view id);

}  // namespace fettle::serve
