#include "profile/compiled.h"

#include <algorithm>

namespace fettle::profile {
namespace {

constexpr std::string_view digest_head = "sha256:";
// 64 bits of the digest: directories of thousands of images stay apart, and a person can still compare them.
constexpr std::size_t shown_digits = 16;

std::string replaced(std::string text, std::string_view placeholder, std::string_view value) {
  for (std::size_t at = text.find(placeholder); at != std::string::npos;
       at = text.find(placeholder, at + value.size())) {
    text.replace(at, placeholder.size(), value);
  }
  return text;
}

}  // namespace

bool is_digest(std::string_view image) {
  if (!image.starts_with(digest_head)) return false;
  image.remove_prefix(digest_head.size());
  return image.size() == 64 && std::all_of(image.begin(), image.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string image_key(std::string_view image, std::string_view gfx) {
  std::string key;
  if (is_digest(image)) {
    key = image.substr(digest_head.size(), shown_digits);
  } else {
    // No key of a digest has a '_', so that no name of an image can look like one.
    key = "_" + std::string(image);
    std::replace_if(
        key.begin(), key.end(),
        [](char c) {
          return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                   c == '-');
        },
        '_');
  }
  return key + "-" + std::string(gfx);
}

std::string compiled_place(const Cache& cache, const CacheDirectory& directory, std::string_view key,
                           std::string_view container) {
  const std::string top = cache.path + "/" + directory.name + "/";
  if (directory.file.empty()) return top + std::string(key);
  return top + replaced(replaced(directory.file, "{image}", key), "{container}", container);
}

}  // namespace fettle::profile
