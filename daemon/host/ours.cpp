#include "host/ours.h"

#include "base/text.h"

namespace fettle::host {
namespace {

constexpr std::string_view before_mark = "# before: ";  // # before: PATH = VALUE
constexpr std::string_view equals = " = ";

}  // namespace

std::string before_line(const Before& before) {
  return std::string(before_mark) + before.path + std::string(equals) + before.value + "\n";
}

Result<OurFiles> look(const system::Files& files) {
  OurFiles all;
  for (const std::string_view path : our_files) {
    OurFile& file = all[path];
    auto text = files.read(path, 1_MiB);
    if (!text && text.error().why == Why::missing) continue;
    if (!text) return fail(while_doing("tell which settings are ours", text.error()));
    file.content = std::move(*text);
    file.is_foreign = !file.content.starts_with(first_line);
    if (file.is_foreign) continue;
    for (const std::string_view line : lines(file.content)) {
      if (!line.starts_with(before_mark)) continue;
      const std::string_view said = line.substr(before_mark.size());
      const auto at = said.find(equals);
      if (at == std::string_view::npos) continue;
      file.before.push_back(
          {std::string(said.substr(0, at)), std::string(trim(said.substr(at + equals.size())))});
    }
  }
  return all;
}

}  // namespace fettle::host
