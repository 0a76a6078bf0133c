// Folder: a repository as plain files in plain folders, OWNER/NAME/…, as `hf download --local-dir` and git
// leave it. Whoever wrote it is not trusted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shelf/manifest.h"
#include "system/files.h"

namespace fettle::shelf {

// Path and size of every file below `path`, by path; the hashes are empty. ".cache" and ".git" on top are the
// downloading tool's own and left out. refused, with the place, when anything is neither a file nor a folder;
// malformed when a name cannot be used or the folders are too deep; denied when a folder cannot be listed.
Result<std::vector<File>> list_folder(const system::Files& files, std::string_view path);

// refused when two paths differ only in the case of their letters: on the drive that they came from, or on
// the next one, they are the same file.
Result<void> check_case(const std::vector<File>& files);

}  // namespace fettle::shelf
