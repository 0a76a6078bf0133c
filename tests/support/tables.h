// Tables: the smallest compatibility table, GPU table and rules for the kernel log that a profile loads with.
#pragma once

#include <string>

#include "support/tree.h"

namespace fettle::test {

// The tables of the package, each with one row, below `place`.
inline void install_tables(Tree& tree, const std::string& place = "/usr/share/fettle/profiles") {
  tree.file(place + "/compat/rocm.yaml",
            "schema: 1\nkind: compatibility\nas_of: \"2026-11\"\nsources: [{key: A, kind: repo}]\n"
            "drivers: [{release: \"30.10.2\", sources: [A]}]\n"
            "releases: [{rocm: \"7.0.2\", stream: legacy, sources: [A]}]\n");
  tree.file(place + "/gpus.yaml",
            "schema: 1\nkind: gpus\nsources: [{key: A, kind: repo}]\n"
            "devices: [{id: \"0x74a1\", name: MI300X, family: MI300X, gfx: gfx942}]\n");
  tree.file(place + "/kernel-log.yaml",
            "schema: 1\nkind: kernel-log\nsources: [{key: A, kind: repo}]\n"
            "rules: [{name: a, about: gpu, severity: error, pattern: b, means: m, advice: a, example: b, "
            "sources: [A]}]\n");
}

}  // namespace fettle::test
