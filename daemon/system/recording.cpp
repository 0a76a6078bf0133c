#include "system/recording.h"

namespace fettle::system {
namespace {

// Of the thread, not of Files: that is handed everywhere and holds nothing but its root.
thread_local Recording* current = nullptr;

}  // namespace

Recording::Recording() : outer_(current) {
  current = this;
}

Recording::~Recording() {
  current = outer_;
}

Touched* Recording::note(std::string_view path) {
  return current == nullptr ? nullptr : &current->paths_[std::string(path)];
}

}  // namespace fettle::system
