// Images: which container images a node is to have; lists of them that the configuration names, loaded apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/names.h"
#include "profile/complaint.h"
#include "system/files.h"

namespace fettle::profile {

struct Image {
  std::string
      repository;   // "docker.io/rocm/vllm", with its registry: docker and podman complete names differently
  std::string tag;  // what people and commands call it
  std::string digest;     // "sha256:…", or empty when `unpinned`
  bool unpinned = false;  // the YAML must say so: a tag moves, and that is a finding
  Bytes size;             // about how large, for the progress; 0 = nobody said
  std::string why;
};

struct ImageList {
  std::string name;
  std::string why;
  std::vector<Image> images;
};

struct LoadedImages {
  std::vector<ImageList> lists;  // those that are wanted; none when there is a complaint
  Complaints complaints;         // of the configuration and of these lists
};
LoadedImages load_images(const system::Files& files, std::string_view config_file = names::config_file);

// What is asked of a registry, "docker.io/rocm/vllm@sha256:…", and what commands call it afterwards.
std::string pinned_name(const Image& image);
std::string tagged_name(const Image& image);

}  // namespace fettle::profile
