// Inventory: everything that lies in the cache's hub, whoever put it there: repositories, revisions, sizes,
// what is unfinished and what nothing points at. Reads names and sizes, never content.
//
// Costs two system calls a file and about 25 a repository; repositories are shared out among threads.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "shelf/layout.h"

namespace fettle::shelf {

struct FoundBlob {
  std::string name;
  system::Info info;
  std::uint64_t links = 0;  // files of any revision that point at it
  std::string entry;        // of the client's store, when it is a link into that (see blob_file.h)
};

struct FoundLink {
  std::string path;  // inside the revision
  std::string blob;  // the name it points at; empty when it is a file of its own or points elsewhere
};

struct FoundRevision {
  std::string commit;
  std::vector<std::string> refs;  // the branches and tags that point at it
  std::vector<FoundLink> links;
  Amount amount;             // each blob once
  std::uint64_t broken = 0;  // links to blobs that are not there
};

// One repository of the hub with every name in it.
struct FoundRepository {
  std::string folder;                 // "models--owner--name"
  std::string type;                   // "model", "dataset", "space"
  std::string id;                     // "owner/name"
  std::vector<FoundBlob> blobs;       // by name
  std::vector<FoundBlob> unfinished;  // "*.incomplete"; links stays 0
  std::vector<FoundRevision> revisions;
  std::vector<std::string> lost_refs;  // they point at revisions that are not there
  std::optional<Error> error;          // what could not be looked at: then the rest is a part
};

// Gives every repository to `visit`, in no order, one at a time. Nothing at all yet is no error. Threads: 0 =
// one a core, at most 8.
Result<void> walk(const system::Files& files, const Layout& layout, unsigned threads,
                  const std::function<void(FoundRepository&&)>& visit);

// One model repository; missing when the hub has none of this id.
Result<FoundRepository> find_repository(const system::Files& files, std::string_view hub,
                                        std::string_view id);

// The file list of a revision as its links tell it, or why there is none: a file is missing, or is no link to
// a blob.
Result<Manifest> manifest_of(const FoundRepository& found, const FoundRevision& revision);

struct RevisionSummary {
  std::string commit;
  std::vector<std::string> refs;
  Amount amount;
  std::uint64_t broken = 0;
};

struct RepositorySummary {
  std::string type;
  std::string id;
  Amount amount;  // blobs that a revision points at
  Amount shared;  // of these, what lies in the client's store and may be another repository's too
  std::vector<RevisionSummary> revisions;
  Amount unfinished;
  Amount unreferenced;  // whole blobs that no revision points at
  std::optional<Error> error;
};

struct Inventory {
  std::vector<RepositorySummary> repositories;  // by type and id
  Amount amount;
  Amount unfinished;
  Amount unreferenced;
  // The client's store: each entry counts once in `amount`, however many repositories have it.
  Amount shared;  // entries that a repository has
  Amount store;   // all entries; the client removes those that nobody has any more
};

// A few hundred bytes a repository, whatever it holds.
Result<Inventory> take_inventory(const system::Files& files, const Layout& layout, unsigned threads);

}  // namespace fettle::shelf
