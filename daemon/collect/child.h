// Child: the part of a collection that may hang. `fettle collect` starts itself again for each of these, with
// a deadline, and leaves a child behind that hangs in the kernel.
//
// Each holds a lock for as long as it lives, so the kernel knows which trials still hang: the next one does
// not start beside it, and says so.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "base/bytes.h"
#include "system/system.h"

namespace fettle::collect {

// Where a child's answer says that an earlier one still hangs: {"held": true}.
inline constexpr std::string_view held_key = "held";

// {"done": …, "generation": "…"}: `size` bytes written to the cache at `path` and read back.
boost::json::object try_cache(const system::System& system, const std::string& path, Bytes size);

// {"smart": …, "reads": …} of the drive, which is `size` long. `serial` names the lock.
boost::json::object try_drive(const system::System& system, const std::string& device, Bytes size,
                              const std::string& serial);

// {"now": …}: how much lies below `directory`.
boost::json::object try_usage(const system::System& system, const std::string& directory);

// {"programs": …}: who uses a GPU, with their variables of these names, which commas part.
boost::json::object look_at_programs(const system::System& system, std::string_view names);

}  // namespace fettle::collect
