// Tree: a machine made of files for one test, gone at its end.
#pragma once

#include <string>
#include <string_view>

#include "system/files.h"

namespace fettle::test {

class Tree {
 public:
  Tree();                                              // empty
  explicit Tree(const std::string& captured_machine);  // a copy of tests/nodes/NAME, sockets and links kept
  ~Tree();
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  // Paths start with "/" and lie inside the tree. Parents are made.
  Tree& file(std::string_view path, std::string_view content = {});
  Tree& directory(std::string_view path);
  Tree& link(std::string_view path, std::string_view target);
  Tree& sparse(std::string_view path,
               std::uint64_t bytes);  // a file of zeros that takes no room: a blank drive
  Tree& patch(std::string_view path, std::uint64_t offset, std::string_view bytes);
  Tree& remove(std::string_view path);  // a file or a whole directory
  // Copies tests/nodes/overlays/NAME over it; a file ".absent" in the overlay lists what to remove first.
  Tree& overlay(const std::string& name);

  std::string read(std::string_view path) const;
  const std::string& root() const { return root_; }
  const system::Files& files() const { return files_; }

 private:
  std::string root_;
  system::Files files_;
};

}  // namespace fettle::test
