// Config: what kind of model a repository holds, and the facts in its config.json.
//
// The file comes from strangers: at most 4 MiB, 32 levels, each number within the limits of
// profile::number_facts. An error names the place: line and column of text that is no JSON, or the path of a
// field: 'text_config.num_hidden_layers'.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "profile/models.h"

namespace fettle::models {

// The largest published ones have 200 KiB, mostly lists of layers that are not quantised.
inline constexpr Bytes largest_config = 4_MiB;

// From the names of a repository's files, relative to its top: one of profile::model_kinds.
std::string_view kind_of(const std::vector<std::string>& names);

// `id` and `size` are taken as they are. Only for the kind "transformers"; malformed when a field is missing,
// of another type or out of its limits. `file` names the text in errors.
Result<profile::ModelFacts> read_config(std::string_view text, std::string_view file, std::string_view id,
                                        Bytes size);

}  // namespace fettle::models
