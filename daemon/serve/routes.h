// Routes: the one table of what can be asked, which answers requests and is told as /v1/openapi.json.
#pragma once

#include <span>
#include <string_view>

#include "serve/requests.h"

namespace fettle::serve {

enum class Where { both, control };

struct Route {
  std::string_view method;
  std::string_view path;  // a last part "NAME" stands for any name
  Where where;
  std::string_view says;
  std::string_view schema;  // of its JSON, a name in openapi.cpp; empty = plain text
  Answer (*answer)(const Question& question, std::string_view name);
};

inline constexpr std::string_view any_name = "NAME";

std::span<const Route> routes();

}  // namespace fettle::serve
