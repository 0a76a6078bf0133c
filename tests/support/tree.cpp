#include "support/tree.h"
#include "support/source.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace fettle::test {
namespace {

namespace fs = std::filesystem;

std::string fresh_directory() {
  std::string name = (fs::temp_directory_path() / "fettle-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  return name;
}

system::Files opened(const std::string& root) {
  auto files = system::Files::open(root);
  if (!files) throw std::runtime_error(files.error().said);
  return std::move(*files);
}

fs::path inside(const std::string& root, std::string_view path) {
  return fs::path(root + std::string(path));
}

fs::path nodes() {
  return fettle::test::tests_dir() / "nodes";
}

}  // namespace

Tree::Tree() : root_(fresh_directory()), files_(opened(root_)) {}

Tree::Tree(const std::string& captured_machine) : Tree() {
  fs::copy(nodes() / captured_machine, root_, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
}

Tree::~Tree() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

Tree& Tree::file(std::string_view path, std::string_view content) {
  const fs::path at = inside(root_, path);
  fs::create_directories(at.parent_path());
  std::ofstream out(at, std::ios::binary | std::ios::trunc);
  out << content;
  if (!out.flush()) throw std::runtime_error("write " + at.string());
  return *this;
}

Tree& Tree::directory(std::string_view path) {
  fs::create_directories(inside(root_, path));
  return *this;
}

Tree& Tree::link(std::string_view path, std::string_view target) {
  const fs::path at = inside(root_, path);
  fs::create_directories(at.parent_path());
  fs::create_symlink(target, at);
  return *this;
}

Tree& Tree::sparse(std::string_view path, std::uint64_t bytes) {
  file(path);
  fs::resize_file(inside(root_, path), bytes);
  return *this;
}

Tree& Tree::patch(std::string_view path, std::uint64_t offset, std::string_view bytes) {
  std::fstream out(inside(root_, path), std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(offset));
  out << bytes;
  if (!out.flush()) throw std::runtime_error("patch " + std::string(path));
  return *this;
}

Tree& Tree::remove(std::string_view path) {
  fs::remove_all(inside(root_, path));
  return *this;
}

Tree& Tree::overlay(const std::string& name) {
  const fs::path from = nodes() / "overlays" / name;
  if (std::ifstream absent(from / ".absent"); absent) {
    for (std::string line; std::getline(absent, line);) {
      if (!line.empty()) remove("/" + line);
    }
  }
  fs::copy(from, root_, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  remove("/.absent");
  return *this;
}

std::string Tree::read(std::string_view path) const {
  std::ifstream in(inside(root_, path), std::ios::binary);
  if (!in) throw std::runtime_error("read " + std::string(path));
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace fettle::test
