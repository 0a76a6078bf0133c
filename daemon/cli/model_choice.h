// What `env --model`, `models`, `ready` and `run-line` share: finding a model, an engine, and asking for
// advice.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/words.h"
#include "models/advise.h"
#include "profile/models.h"
#include "profile/profile.h"

namespace fettle::cli {

// The options, as they stand on the command line.
struct ModelOptions {
  std::string model;
  std::string engine;  // "vllm", "vllm=0.11.0"; empty = what the image tells, else vllm
  std::string image;
  std::string versions_file;
  std::optional<unsigned> tp;
  std::optional<unsigned> dp;
  std::optional<bool> ep;
  std::vector<std::string> set;  // NAME=VALUE
  std::string kv_cache_dtype = "auto";
};
void add_engine_options(Words& words, ModelOptions& options);

// What is known here, loaded once. Without a sound configuration there is no profile: then nothing is staged,
// and `profile_error` says why.
struct Knowledge {
  profile::ModelTables tables;
  std::optional<profile::Profile> profile;
  Error profile_error;
};
Result<Knowledge> load_knowledge(const Context& context);

struct ChosenModel {
  profile::ModelFacts facts;
  std::string from;      // "its config.json on this node", "the facts that fettle ships"
  std::string snapshot;  // its directory in the cache; empty = nothing is staged
};
// A staged model's own configuration goes before the shipped facts. missing when there is neither; the hint
// names models that are alike.
Result<ChosenModel> find_model(const Context& context, const Knowledge& knowledge, std::string_view id);

// The engine by --engine, --image and --versions-file.
Result<models::Engine> find_engine(const Context& context, const Knowledge& knowledge,
                                   const ModelOptions& options);

// All options but the model, with the node of the profile.
Result<models::Wish> wish_of(const Context& context, const Knowledge& knowledge, const ModelOptions& options);

// The image to run for an engine: the one that was named, or the one that its makers publish for the version.
struct ChosenImage {
  std::string reference;
  std::string entry;  // "serves" or "shell"
  std::string source;
};
Result<ChosenImage> find_image(const Knowledge& knowledge, const ModelOptions& options,
                               const models::Engine& engine);

// The advice with the variables that lead to this image's compiled code, for an advice that can be followed
// and a knowledge with a profile. Gives the reference to run: with its digest where code was compiled for
// exactly that.
std::string lead_to_compiled(const Context& context, const Knowledge& knowledge, std::string_view model,
                             const std::string& reference, models::Advice& advice);

}  // namespace fettle::cli
