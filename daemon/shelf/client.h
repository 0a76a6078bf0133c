// Client: the real `hf` program, how it is found, what it is told and what its answers mean. Facts measured
// against the real client; see docs of the shelf room.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/version.h"
#include "shelf/source.h"

namespace fettle::shelf {

// 1.13: `hf models ls REPO` exists from here on.
inline constexpr std::string_view oldest_client = "1.13";

struct Client {
  std::string program;  // as the system runs it
  Version version;
};

// options.client, or the first of the usual places that has it. missing with advice when there is none;
// refused when it is older than 1.13.
Result<Client> find_client(const Work& work);

// How long the client waits for the next byte of a connection before it asks again: 8 s is less than its own
// limit (10 s by HTTP, 300 s by xet); 30 s and 60 s are for a mirror that fetches a file before it gives the
// first byte of it, and for a client that is paused to keep a rate.
enum class Patience { brief, ample };

// The whole environment of the client, nothing inherited; one for all runs with the same patience, so that
// the client stays loaded. With a rate the patience is always ample.
std::map<std::string, std::string> client_environment(const Work& work, Patience patience = Patience::brief);

// The file that the service manager put the hub's token into; need not exist. An empty one is an error.
std::string token_path(std::string_view shelf);
Result<void> check_token(const system::Files& files, std::string_view shelf);

// What a non-zero end means, from its exit code and its last words: the exit code alone says almost nothing.
// `doing` begins the sentence: "download 'owner/name'".
Stopped classify(std::string_view doing, int exit_code, std::string_view words);

// Without anything that looks like a token, without control characters, at most 300 bytes.
std::string scrubbed(std::string_view text);

}  // namespace fettle::shelf
