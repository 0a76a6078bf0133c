#include "profile/opening.h"

#include <unistd.h>

#include <optional>
#include <string>

#include "base/names.h"
#include "profile/prepared.h"

namespace fettle::profile {
namespace {

void must_be_ours(Reading& reading, const system::Files& files, const system::Info& info,
                  std::string_view path) {
  if ((info.mode & 0002U) != 0)
    reading.complain({}, "everybody on this machine may write to it", "chmod o-w " + std::string(path));
  if (files.is_the_machine() && info.uid != 0 && info.uid != ::geteuid()) {
    reading.complain({},
                     "it belongs to the user with id " + std::to_string(info.uid) + ", who could change it",
                     "chown root " + std::string(path));
  }
}

std::optional<Node> tree_of(const system::Files& files, std::string_view file, std::string_view text) {
  if (!file.starts_with(names::shipped_profiles)) return std::nullopt;
  const std::string tree = std::string(file) + std::string(tree_ending);
  Reading reading(tree);
  const auto json = read_text_of(reading, files, tree, Owners::trusted);
  if (!json || !reading.take().empty()) return std::nullopt;
  return read_tree(*json, text);
}

}  // namespace

Result<std::string> read_text_of(Reading& reading, const system::Files& files, std::string_view file,
                                 Owners owners) {
  const auto info = files.look_through(file);
  if (info && info->kind == system::Kind::file) {
    if (owners == Owners::trusted) {
      must_be_ours(reading, files, *info, file);
    } else if ((info->mode & 0002U) != 0) {
      reading.complain({}, "everybody on this machine may write to it", "chmod o-w " + std::string(file));
    }
  }
  return files.read(file, largest_file);
}

void must_be_ours(Reading& reading, const system::Files& files, std::string_view path) {
  if (const auto info = files.look_through(path)) must_be_ours(reading, files, *info, path);
}

Document open_own(Reading& reading, const system::Files& files, std::string_view text) {
  if (auto tree = tree_of(files, reading.file(), text)) return open_prepared(reading, std::move(*tree));
  return open_document(reading, text);
}

void complain_of_whole(Reading& reading, const Error& error) {
  reading.complain({}, error.said, error.hint);
}

bool is_wanted_kind(Reading& reading, const Document& document, std::string_view kind) {
  if (document.kind == nullptr) return false;
  if (document.kind->name == kind) return true;
  const Node* const at = document.root.find("kind");
  reading.complain(at->place, "the kind of this file is '" + std::string(document.kind->name) + "'",
                   "here '" + std::string(kind) + "' is wanted");
  return false;
}

}  // namespace fettle::profile
