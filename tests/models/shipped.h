// What the package knows of models, loaded once.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>

#include "profile/models.h"
#include "support/source.h"
#include "support/tree.h"

namespace fettle::test {

inline const profile::ModelTables& shipped_models() {
  static const profile::ModelTables tables = [] {
    Tree tree;
    tree.directory("/usr/share/fettle/profiles");
    std::filesystem::copy(source_dir() / "profiles/models", tree.root() + "/usr/share/fettle/profiles/models",
                          std::filesystem::copy_options::recursive);
    profile::LoadedModels loaded = profile::load_models(tree.files());
    for (const profile::Complaint& each : loaded.complaints) MESSAGE(profile::to_text(each));
    REQUIRE(loaded.tables);
    return std::move(*loaded.tables);
  }();
  return tables;
}

inline const profile::ModelFacts& shipped_model(std::string_view id) {
  const auto& models = shipped_models().models;
  const auto found = std::find_if(models.begin(), models.end(),
                                  [&](const profile::ModelFacts& each) { return each.id == id; });
  REQUIRE_MESSAGE(found != models.end(), std::string(id));
  return *found;
}

}  // namespace fettle::test
