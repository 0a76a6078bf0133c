// Fact: something that was read, or why it was not.
#pragma once

#include <utility>

#include "base/result.h"

namespace fettle::facts {

// A Result that starts as "not looked yet" instead of as an empty success.
template <class T>
class Fact : public Result<T> {
 public:
  Fact() : Result<T>(fail(Why::missing, "cannot say yet: not looked at")) {}
  Fact(Result<T> result) : Result<T>(std::move(result)) {}            // NOLINT(google-explicit-constructor)
  Fact(T value) : Result<T>(std::move(value)) {}                      // NOLINT(google-explicit-constructor)
  Fact(tl::unexpected<Error> error) : Result<T>(std::move(error)) {}  // NOLINT(google-explicit-constructor)
};

}  // namespace fettle::facts
