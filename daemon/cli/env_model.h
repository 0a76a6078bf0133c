// fettle env --model: the variables that one model needs with one engine, each with its reason.
#pragma once

#include <string>

#include "cli/command.h"
#include "cli/model_choice.h"

namespace fettle::cli {

// `format` is one of fettle env's.
int print_model_env(Context& context, const ModelOptions& options, const std::string& format);

}  // namespace fettle::cli
