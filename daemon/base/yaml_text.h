// Text as YAML: for what we write into the files of others (compose, Kubernetes); reading is the room
// profile's.
#pragma once

#include <string>
#include <string_view>

namespace fettle {

// A double-quoted scalar that every YAML reader takes back as the same text, never as a number, a boolean or
// null. Control characters are escaped, so it is one line. `text` must be UTF-8.
std::string yaml_text(std::string_view text);

// The same for a compose file, which replaces $NAME by the caller's variables unless the '$' is doubled.
std::string compose_text(std::string_view text);

}  // namespace fettle
