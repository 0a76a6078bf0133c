// prepare_profiles FROM TO: checks every profile of the package and leaves the tree of each file below TO,
// for profile/prepared.h. Run when the package is built.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "profile/load.h"
#include "profile/prepared.h"

namespace {

namespace fs = std::filesystem;

// False, with its mistakes told, when the file has some.
bool prepare(const fs::path& file, const fs::path& tree) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream read;
  read << in.rdbuf();
  const std::string text = read.str();
  const auto complaints = fettle::profile::check_text(text, file.string());
  for (const auto& complaint : complaints) std::cerr << fettle::profile::to_text(complaint) << '\n';
  if (!in || !complaints.empty()) return false;
  fs::create_directories(tree.parent_path());
  std::ofstream out(tree, std::ios::binary);
  out << fettle::profile::tree_text(text, fettle::profile::parse(text, file.string()).root);
  return static_cast<bool>(out.flush());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: prepare_profiles FROM TO\n";
    return 64;
  }
  const fs::path from = argv[1];
  bool is_good = true;
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    if (entry.path().extension() != ".yaml") continue;
    fs::path tree = argv[2] / fs::relative(entry.path(), from);
    tree += fettle::profile::tree_ending;
    is_good = prepare(entry.path(), tree) && is_good;
  }
  return is_good ? 0 : 1;
}
