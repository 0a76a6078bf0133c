// Pull: container images by digest, through docker or podman, whichever answers.
//
// Only their clients are run, with the socket of the service named: whoever runs this needs the right to that
// socket and no other. An image that is here by its digest is never pulled again, and a tag that is followed
// is not moved on.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "images/report.h"
#include "profile/images.h"
#include "system/system.h"

namespace fettle::images {

struct Engine {
  std::string name;                 // "docker 27.3.1"
  std::vector<std::string> client;  // how every command begins
  std::map<std::string, std::string> env;
};

// docker when it answers, else podman. missing when neither client is there; failed when none answers.
Result<Engine> find_engine(const system::System& system);

// Where the engine stands with the list: asks, changes nothing.
Report look(const system::System& system, const Result<Engine>& engine, const profile::ImageList& list);

// What would have to be run.
std::vector<system::Command> plan(const Engine& engine, const profile::ImageList& list, const Report& report);

// Pulls what is not here, looks at each again, and gives it its tag. `published` hears of every change.
using Published = std::function<void(const Report&)>;
Report pull(const system::System& system, const Engine& engine, const profile::ImageList& list,
            const Published& published);

}  // namespace fettle::images
