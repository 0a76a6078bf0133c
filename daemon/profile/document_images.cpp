// The kind "images": container images by digest.
#include <array>

#include "profile/documents.h"
#include "profile/images.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

constexpr std::array image_fields{
    field<&Image::repository, text<image_rule>>("image", Need::required),
    field<&Image::tag, text<tag_rule>>("tag", Need::required),
    field<&Image::digest, text<digest_rule>>("digest"),
    field<&Image::unpinned, boolean>("unpinned"),
    field<&Image::size, bytes>("size"),
    field<&Image::why, text<sentence_rule>>("why", Need::required),
};

void image(Reading& reading, const Node& node, const std::string& what, Image& out) {
  if (!read_fields(reading, node, what, out, image_fields)) return;
  const bool has_digest = node.find("digest") != nullptr;
  if (!has_digest && !out.unpinned) {
    reading.complain(
        node.place, "the key 'digest' is missing here",
        "sha256: and 64 hex digits, or 'unpinned: true' when whatever the tag points to is meant");
  }
  if (has_digest && out.unpinned)
    reading.complain(node.find("unpinned")->place, "'unpinned' contradicts the 'digest'", "leave it out");
}

constexpr std::array images_fields{
    header<ImageList>("schema"),
    header<ImageList>("kind"),
    field<&ImageList::name, own_name>("name"),
    field<&ImageList::why, text<sentence_rule>>("why"),
    field<&ImageList::images, some_of<image, Image>>("images", Need::required),
};

}  // namespace

void read_images(Reading& reading, const Node& root, ImageList& out) {
  if (!read_fields(reading, root, "a list of images", out, images_fields)) return;
  Once images("the image");
  for (std::size_t at = 0; at < out.images.size(); ++at) {
    const Image& each = out.images[at];
    if (each.repository.empty() || each.tag.empty()) continue;  // there is a complaint about it
    images.see(reading, root.find("images")->items[at].place, tagged_name(each));
  }
}

std::string pinned_name(const Image& image) {
  return image.unpinned ? tagged_name(image) : image.repository + "@" + image.digest;
}

std::string tagged_name(const Image& image) {
  return image.repository + ":" + image.tag;
}

}  // namespace fettle::profile
