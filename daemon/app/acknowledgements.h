// AcknowledgementList: which findings somebody knows of now. Each change gives the event that tells of it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "serve/acknowledge.h"
#include "serve/sockets.h"
#include "store/events.h"

namespace fettle::app {

// "root", "uid 1000": who it was as the kernel told, never as a client says.
std::string name_of(const serve::Peer& peer);

class AcknowledgementList {
 public:
  // A second one of the same check replaces the first. Nothing when the list is full.
  std::optional<store::Event> add(const serve::Acknowledge& asked, const NamedFinding& named,
                                  const std::string& by, std::chrono::system_clock::time_point now);
  // Nothing when there is none of that check.
  std::optional<store::Event> remove(const std::string& check, const std::string& by,
                                     std::chrono::system_clock::time_point now);
  // Removes those whose time is over.
  std::vector<store::Event> end(std::chrono::system_clock::time_point now);
  // Those of an earlier daemon; what was said since stays.
  void restore(serve::Acknowledgements kept);

  const serve::Acknowledgements& all() const { return all_; }

 private:
  serve::Acknowledgements all_;  // by their checks
};

}  // namespace fettle::app
