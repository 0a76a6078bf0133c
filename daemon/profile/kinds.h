// Kinds: which of our files a text is, by its keys `schema` and `kind`.
#pragma once

#include <string_view>

#include "profile/reading.h"

namespace fettle::profile {

struct Kind {
  std::string_view name;                              // "profile"
  void (*check)(Reading& reading, const Node& root);  // reads it all for its complaints
};

// What a text holds: its tree and kind, or no kind and complaints.
struct Document {
  Node root;
  const Kind* kind = nullptr;
};

Document open_document(Reading& reading, std::string_view text);
// The same of a tree that was made when the package was built, from a text without mistakes.
Document open_prepared(Reading& reading, Node root);

}  // namespace fettle::profile
