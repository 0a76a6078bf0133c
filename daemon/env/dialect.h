// Dialects: how a variable is written for shells, for systemd, for containers and as JSON.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "profile/profile.h"

namespace fettle::env {

struct Dialect {
  std::string_view name;       // what `fettle env --format` takes
  std::string_view file_name;  // below names::env_directory; empty: it is printed only
  std::string_view reaches;    // for `fettle env explain`: who gets to see it
  bool (*takes)(profile::Scope scope);
  Result<void> (*can_carry)(const profile::Variable& variable);
  std::string_view opening;  // what stands before the lines
  std::string (*assign)(
      const profile::Variable& variable);  // its line alone; nullptr where there are no lines
  std::string (*write)(
      const Dialect& dialect,
      const std::vector<profile::Variable>& variables);  // only what takes() and can_carry() allow
};

// In the order in which they are listed to people.
const std::array<Dialect, 6>& dialects();

// nullptr when there is none of that name.
const Dialect* find_dialect(std::string_view name);

// What every dialect and execve(2) ask for: a name of letters, digits and '_', a value in UTF-8 without NUL,
// below 128 KiB together.
Result<void> is_sound(const profile::Variable& variable);

// The whole text of one dialect: those variables that its scope takes.
std::string text_of(const Dialect& dialect, const std::vector<profile::Variable>& variables);

}  // namespace fettle::env
