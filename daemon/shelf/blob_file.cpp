#include "shelf/blob_file.h"

#include <algorithm>

#include "base/text.h"

namespace fettle::shelf {

std::optional<std::string> store_entry(std::string_view link_target) {
  constexpr std::string_view store = "../../blobs/";
  constexpr std::size_t digits = 64;
  if (!link_target.starts_with(store)) return std::nullopt;
  const std::string_view folder = link_target.substr(store.size(), 2);
  const std::string_view rest = link_target.substr(store.size() + folder.size());
  if (rest.size() != 1 + digits || rest.front() != '/') return std::nullopt;
  const std::string_view entry = rest.substr(1);
  const bool is_hash = entry.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!is_hash || !entry.starts_with(folder)) return std::nullopt;
  return std::string(entry);
}

Result<system::Info> look_at_entry(const system::Directory& hub, std::string_view entry) {
  const auto store = hub.open("blobs");
  if (!store) return fail(store.error());
  const auto folder = store->open(entry.substr(0, 2));
  if (!folder) return fail(folder.error());
  return folder->look(entry);
}

Result<BlobFile> look_at_blob(const system::Files& files, std::string_view hub, std::string_view repository,
                              std::string_view blob) {
  BlobFile found{std::string(repository).append("/blobs/").append(blob), {}, {}};
  const auto info = files.look(found.path);
  if (!info) return fail(info.error());
  found.info = *info;
  if (info->kind != system::Kind::link) return found;
  const auto target = files.read_link(found.path);
  if (!target) return fail(target.error());
  const auto entry = store_entry(*target);
  if (!entry) return found;
  const auto directory = system::Directory::open(files, hub);
  if (!directory) return fail(directory.error());
  const auto behind = look_at_entry(*directory, *entry);
  // What is not there, and what is no directory or file, is a link that leads nowhere.
  if (!behind || behind->kind != system::Kind::file) return found;
  found.info = *behind;
  found.entry = *entry;
  found.path = std::string(hub).append("/blobs/").append(entry->substr(0, 2)).append("/").append(*entry);
  return found;
}

}  // namespace fettle::shelf
