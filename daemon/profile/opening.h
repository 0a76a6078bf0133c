// Opening: the text of one YAML file, when it may be trusted, and the document in it.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "profile/kinds.h"
#include "system/files.h"

namespace fettle::profile {

// Who may own a file that is read. What root does depends on these files.
enum class Owners { anybody, trusted };

// Complains when others than root could change it.
Result<std::string> read_text_of(Reading& reading, const system::Files& files, std::string_view file,
                                 Owners owners);

// The same for a directory whose files are read one after another.
void must_be_ours(Reading& reading, const system::Files& files, std::string_view path);

// The document of a file that may be the package's: its tree was then made when that was built
// (profile/prepared.h). Anything wrong with the tree only costs the time of parsing.
Document open_own(Reading& reading, const system::Files& files, std::string_view text);

void complain_of_whole(Reading& reading, const Error& error);

// False, with a complaint, when the document is of another kind, or of none.
bool is_wanted_kind(Reading& reading, const Document& document, std::string_view kind);

}  // namespace fettle::profile
