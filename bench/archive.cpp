// archive pack DIRECTORY FILE | unpack FILE DIRECTORY: what `fettle jit export` and `import` do with an
// archive, every check of names, links and limits included, until what was written is on the drive.
#include <iostream>
#include <string>

#include "archive/reader.h"
#include "archive/staging.h"
#include "archive/writer.h"

using namespace fettle;

namespace {

Result<void> no_tick() {
  return {};
}

Result<void> add(const system::Files& files, archive::Writer& writer, const std::string& directory,
                 const std::string& name) {
  const auto names = files.list(directory);
  if (!names) return fail(names.error());
  for (const std::string& each : *names) {
    const std::string path = directory + "/" + each;
    const auto info = files.look(path);
    if (!info) return fail(info.error());
    auto added = info->kind == system::Kind::directory
                     ? add(files, writer, path, name + "/" + each)
                     : writer.add_file(name + "/" + each, path, info->size, no_tick);
    if (!added) return added;
  }
  return {};
}

Result<void> pack(const system::Files& files, const std::string& directory, const std::string& file) {
  auto writer = archive::Writer::create(files, file, archive::compression_of(file));
  if (!writer) return fail(writer.error());
  if (auto added = add(files, *writer, directory, "files"); !added) return added;
  return writer->finish();
}

Result<void> unpack(const system::Files& files, const std::string& file, const std::string& directory) {
  auto reader = archive::Reader::open(files, file);
  if (!reader) return fail(reader.error());
  auto staging = archive::Staging::make(files, directory, "bench", archive::Durable::at_sync);
  if (!staging) return fail(staging.error());
  while (true) {
    const auto entry = reader->next();
    if (!entry) return fail(entry.error());
    if (!*entry) break;
    if (auto put = staging->put(*reader, **entry, no_tick); !put) return put;
  }
  if (auto done = staging->sync(); !done) return done;
  return files.rename(staging->path_of(std::string_view("files")), directory + "/files");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc == 4 ? argv[1] : "";
  const auto files = system::Files::open("/");
  if (!files || (verb != "pack" && verb != "unpack")) {
    std::cerr << "usage: archive pack DIRECTORY FILE | unpack FILE DIRECTORY\n";
    return 64;
  }
  const auto done = verb == "pack" ? pack(*files, argv[2], argv[3]) : unpack(*files, argv[2], argv[3]);
  if (done) return 0;
  std::cerr << "archive: " << to_text(done.error()) << '\n';
  return 2;
}
