// Result<T>: a value or an Error; fail() makes the Error side.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "base/error.h"

namespace fettle {

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

inline tl::unexpected<Error> fail(Why why, std::string said, std::string hint = {}) {
  return fail(Error{why, std::move(said), std::move(hint)});
}

// What an action did. `refused` is a decision of ours, `failed` is the system's.
enum class Outcome { changed, already_so, refused, failed };

inline const char* to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::changed:
      return "changed";
    case Outcome::already_so:
      return "already_so";
    case Outcome::refused:
      return "refused";
    case Outcome::failed:
      return "failed";
  }
  return "failed";
}

}  // namespace fettle
