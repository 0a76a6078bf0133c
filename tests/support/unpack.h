// Unpack: an archive of ours, as a machine of files.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "archive/reader.h"
#include "support/tree.h"

namespace fettle::test {

inline void unpack(const Tree& from, const std::string& archive, Tree& into) {
  auto reader = fettle::archive::Reader::open(from.files(), archive);
  REQUIRE(reader);
  while (true) {
    const auto entry = reader->next();
    if (!entry) FAIL(entry.error().said);
    if (!*entry) return;
    const std::string path = "/" + (*entry)->path;
    switch ((*entry)->kind) {
      case fettle::archive::EntryKind::directory:
        into.directory(path);
        break;
      case fettle::archive::EntryKind::link:
        into.link(path, (*entry)->target);
        break;
      case fettle::archive::EntryKind::file: {
        const auto text = reader->text(64_MiB);
        REQUIRE(text);
        into.file(path, *text);
        break;
      }
    }
  }
}

}  // namespace fettle::test
