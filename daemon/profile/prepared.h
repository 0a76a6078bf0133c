// Prepared: the tree of a file that the package ships, made and checked when the package was built, beside
// the file as NAME.yaml.tree. yaml-cpp takes 12 ms for our tables on a fast machine, this some 2
// (docs/performance.md); the YAML file stays what people read, change and report.
//
// A tree counts only for the very text it was made from: whoever edits the file has it parsed again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "profile/yaml.h"

namespace fettle::profile {

inline constexpr std::string_view tree_ending = ".tree";

// The tree of a text that parses without complaints, as JSON.
std::string tree_text(std::string_view yaml, const Node& root);

// Nothing when it is of another text, of another version, or broken.
std::optional<Node> read_tree(std::string_view tree, std::string_view yaml);

}  // namespace fettle::profile
