// A node with a cache for the tests of staging: real files, real children, the real clock.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "shelf/jobs.h"
#include "shelf/layout.h"
#include "shelf/stage.h"
#include "support/source.h"
#include "support/tree.h"
#include "system/system.h"

namespace fettle::test {

struct StagingNode {
  StagingNode() {
    tree.directory("/srv/fettle/hf").directory("/run/fettle/shelf");
    REQUIRE(tree.files().set_mode("/srv/fettle/hf", 02775));
    profile.cache.emplace();
    profile.cache->path = "/srv/fettle";
    shelf.name = "tiny";
  }

  system::System machine() { return {tree.files(), *runner, clock}; }
  Result<shelf::Report> stage() { return shelf::stage(machine(), profile, shelf, options); }

  // The shelf of tests/shelf/tiny.yaml, from its archive.
  void use_tiny_archive() {
    shelf.source = profile::Source::archive;
    shelf.archive = "/usr/share/fettle/shelves/tiny.tar.zst";
    std::ifstream in(tests_dir().string() + "/shelf/tiny.tar.zst", std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    tree.file(shelf.archive, text.str());
  }

  void want(const std::string& id, const std::string& revision) {
    profile::Repository repository;
    repository.id = id;
    repository.revision = revision;
    repository.unpinned = !shelf::is_commit(revision);
    shelf.repositories.push_back(repository);
  }

  std::string of(const std::string& id, const std::string& below) const {
    return layout.repository(id) + below;
  }

  // The largest blob of a repository, as a path.
  std::string largest_blob(const std::string& id) const {
    std::string largest;
    Bytes size;
    const auto names = tree.files().list(of(id, "/blobs"));
    REQUIRE(names);
    for (const std::string& name : *names) {
      const auto info = tree.files().look(of(id, "/blobs/" + name));
      if (info && info->size >= size) {
        size = info->size;
        largest = of(id, "/blobs/" + name);
      }
    }
    return largest;
  }

  // Everything is as a program that loads models expects it.
  void check_ready(const std::string& id) const {
    const std::string commit = tree.read(of(id, "/refs/main"));
    CHECK(shelf::is_commit(commit));
    CHECK(tree.files().look_through(of(id, "/snapshots/" + commit + "/config.json"))->size.count > 0);
    const auto names = tree.files().list(of(id, "/blobs"));
    REQUIRE(names);
    for (const std::string& name : *names) {
      CAPTURE(name);
      CHECK(shelf::is_blob_name(name));
      CHECK(tree.files().look(of(id, "/blobs/" + name))->mode == 0644);
    }
    for (const char* directory : {"", "/blobs", "/refs", "/snapshots"}) {
      CHECK(tree.files().look(of(id, directory))->mode == 02775);
    }
    const auto aside = tree.files().list("/srv/fettle/hf/.fettle-damaged");
    CHECK((!aside || aside->empty()));
  }

  Tree tree;
  std::unique_ptr<system::Runner> runner = system::make_runner();
  system::RealClock clock;
  profile::Profile profile;
  profile::Shelf shelf;
  shelf::Options options;
  shelf::Layout layout{"/srv/fettle/hf"};
};

}  // namespace fettle::test
