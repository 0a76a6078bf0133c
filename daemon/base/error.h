// An error as a value: why it happened, what could not be done, and what the reader can do about it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace fettle {

// What kind of failure this is, for code that has to decide (retry, skip, refuse).
enum class Why { missing, denied, malformed, refused, timed_out, failed };

struct Error {
  Why why = Why::failed;
  std::string said;  // starts with "cannot", names the path in quotes, ends with the system's words
  std::string hint;  // what the operator can do; empty when there is nothing to add
};

// The machine word of a Why, as in JSON answers: "missing", "timed_out".
std::string_view to_text(Why why);

// The Why that an errno value stands for.
Why why_of(int err);

// The system's words for an errno value, without the calling thread's locale.
std::string system_text(int err);

// `cannot read '/x': No such file or directory`
Error cannot(std::string_view doing, std::string_view path, int err, std::string hint = {});

// The same error seen by a caller that adds once what it was doing: `cannot load the profile: cannot read …`
Error while_doing(std::string_view doing, Error error);

// One paragraph for people: said, then the hint on a line of its own.
std::string to_text(const Error& error);

}  // namespace fettle
