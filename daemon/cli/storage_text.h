// How a plan is printed for people, by every command that shows one.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>

#include "storage/plan.h"

namespace fettle::cli {

// Model, serial and labels come from drives: what is not printable ASCII must not reach a terminal.
std::string printable(std::string text);

// The verdict with its sentence, then warnings, then the refusal's advice.
void print_verdict(std::ostream& out, const storage::Plan& plan);

// A table, or some lines for each drive when `width` columns leave no room for its words.
void print_drives(std::ostream& out, const storage::Plan& plan, std::size_t width);

// What else uses the drives, each with what to do; nothing when nobody does.
void print_rivals(std::ostream& out, const storage::Plan& plan, std::size_t width);

// `command` is what would do it.
void print_steps(std::ostream& out, const storage::Plan& plan,
                 std::string_view command = "fettle provision --boot");

}  // namespace fettle::cli
