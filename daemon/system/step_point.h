// Step points: numbered places where a test build kills itself, to prove that a run which died there is
// finished or refused by the next one. A package is built without them.
#pragma once

#include <string_view>

namespace fettle::system {

// False in a package: then step_point() does nothing.
bool has_step_points();

// SIGKILL to ourselves when the environment says FETTLE_DIE_AT=NUMBER or FETTLE_DIE_AT=NAME.
void step_point(unsigned number, std::string_view name);

// The same for work that is spread over several files: it numbers itself, from 1 at each start.
void start_step_points();
void step_point(std::string_view name);

}  // namespace fettle::system
