#include "app/acknowledgements.h"

#include <algorithm>

namespace fettle::app {
namespace {

auto is_of(const std::string& check) {
  return [&check](const store::Acknowledgement& each) { return each.check == check; };
}

}  // namespace

std::string name_of(const serve::Peer& peer) {
  return peer.uid == 0 ? "root" : "uid " + std::to_string(peer.uid);
}

std::optional<store::Event> AcknowledgementList::add(const serve::Acknowledge& asked,
                                                     const NamedFinding& named, const std::string& by,
                                                     std::chrono::system_clock::time_point now) {
  const bool is_known = std::any_of(all_.begin(), all_.end(), is_of(named.id));
  if (!is_known && all_.size() >= serve::most_acknowledgements) return std::nullopt;
  std::erase_if(all_, is_of(named.id));
  const store::Acknowledgement fresh{named.id,           std::string(fettle::to_text(named.finding.status)),
                                     named.finding.says, by,
                                     asked.because,      now,
                                     now + asked.time};
  all_.insert(std::find_if(all_.begin(), all_.end(),
                           [&](const store::Acknowledgement& each) { return each.check > named.id; }),
              fresh);
  return store::Event{0, now, named.id, serve::to_text(fresh)};
}

std::optional<store::Event> AcknowledgementList::remove(const std::string& check, const std::string& by,
                                                        std::chrono::system_clock::time_point now) {
  if (std::erase_if(all_, is_of(check)) == 0) return std::nullopt;
  return store::Event{0, now, check, "acknowledgement withdrawn by " + by};
}

std::vector<store::Event> AcknowledgementList::end(std::chrono::system_clock::time_point now) {
  std::vector<store::Event> ended;
  std::erase_if(all_, [&](const store::Acknowledgement& each) {
    if (each.until > now) return false;
    ended.push_back({0, now, each.check, "acknowledgement by " + each.by + " is over"});
    return true;
  });
  return ended;
}

void AcknowledgementList::restore(serve::Acknowledgements kept) {
  for (store::Acknowledgement& each : kept) {
    if (std::none_of(all_.begin(), all_.end(), is_of(each.check))) all_.push_back(std::move(each));
  }
  std::sort(all_.begin(), all_.end(), [](const store::Acknowledgement& a, const store::Acknowledgement& b) {
    return a.check < b.check;
  });
}

}  // namespace fettle::app
