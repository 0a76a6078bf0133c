// Compiled: what leads an image's containers to the code that was compiled for this image alone.
#pragma once

#include <set>
#include <string>

#include "models/advise.h"
#include "profile/profile.h"

namespace fettle::models {

struct Image {
  std::string name;  // its digest where that is known, else its reference
  std::string gfx;
  std::string container;        // the name of the container
  std::set<std::string> begun;  // cache directories that have a place of this image, by name
};

// Adds the variables of the profile's cache directories of Compiled::by_image. One that leads to a directory
// only when the image has begun it: an empty one would hide what the image brings. Variables that the
// operator or a rule has set stay; one that must not be set comes off that list only where this AITER reads
// it.
void lead_to_compiled(Advice& advice, const profile::Profile& profile, const Image& image);

}  // namespace fettle::models
