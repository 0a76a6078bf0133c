// Nodes that stage from a directory: another node's cache on a share, or one plain folder.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "shelf/staging.h"

namespace fettle::test {

inline constexpr const char* share = "/mnt/share";
inline constexpr const char* tiny_chat = "fettle-test/tiny-chat";
inline constexpr const char* tiny_moe = "fettle-test/tiny-moe";

// A node whose share holds what another node has staged.
struct ShareNode : StagingNode {
  explicit ShareNode(const std::string& hub = std::string(share) + "/hub") {
    StagingNode other;
    other.use_tiny_archive();
    REQUIRE(other.stage()->state == shelf::State::ready);
    for (const char* id : {tiny_chat, tiny_moe}) want(id, other.tree.read(other.of(id, "/refs/main")));
    tree.directory(hub);
    std::filesystem::copy(
        other.tree.root() + other.layout.hub(), tree.root() + hub,
        std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
    shelf.source = profile::Source::directory;
    shelf.directory = share;
  }
};

// A node whose share holds one plain folder.
struct FolderNode : StagingNode {
  FolderNode() {
    shelf.source = profile::Source::directory;
    shelf.directory = share;
    tree.file(there("/config.json"), "{}").file(there("/sub/weights.safetensors"), "weights");
    want("o/n", commit);
  }
  // Of the folder, seen from the node.
  static std::string there(const std::string& path) { return std::string(share) + "/o/n" + path; }

  inline static const std::string commit = std::string(40, 'c');
};

}  // namespace fettle::test
