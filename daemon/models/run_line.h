// Run line: the complete command that serves a model in a container, with every part's reason, in the dialect
// of who is to run it.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "models/advise.h"
#include "profile/profile.h"

namespace fettle::models {

// One piece of the command. `words` are not quoted yet.
struct Part {
  enum class Place { option, image, argument };
  Place place = Place::option;
  std::vector<std::string> words;  // {"--device", "/dev/kfd"}
  Reason reason;
};

struct RunLine {
  std::string name;  // of the container and the unit: "glm-4.6"
  std::string model;
  std::string headline;  // "zai-org/GLM-4.6 with vllm 0.23.0, TP8"
  std::vector<Part> parts;
  std::vector<Unset> unset;  // must not be set in the container
};

enum class Program { docker, podman };

// What the image does when it is started without a program.
enum class Entry { serves, shell };

struct Container {
  Program program = Program::docker;
  std::string image;  // the reference to run
  Entry entry = Entry::serves;
  std::string image_source;
  // On this node /dev/kfd belongs to it. Its number: the image need not know the name. Empty = not known.
  std::string render_group;
  bool is_staged = false;  // verified on this node: the engine need not ask the hub
};

// Of a model's container and unit: letters, digits, '.', '_' and '-', as docker and systemd allow it.
std::string container_name(std::string_view model);

// Devices, mounts, variables and arguments. The variables are those of the profile for containers, then the
// advice's. Not for an advice that is blocked or that names no engine.
RunLine run_line(const profile::ModelFacts& model, const Advice& advice, const Wish& wish,
                 const profile::Profile* profile, const Container& container);

struct LineDialect {
  std::string_view name;  // "docker", "podman", "compose", "systemd"
  Program program;
  std::string (*write)(const RunLine& line);
};
const std::array<LineDialect, 4>& line_dialects();

// One word for a POSIX shell, quoted only when it needs to be.
std::string quote_sh(std::string_view word);
// One word of ExecStart= (systemd.service(5)): quotes, and % and $ doubled.
std::string quote_unit(std::string_view word);

}  // namespace fettle::models
