#include "shelf/client.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/json.h"
#include "base/names.h"
#include "base/text.h"

namespace fettle::shelf {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 3> usual_places{"/opt/fettle/hf/bin/hf", "/usr/bin/hf",
                                                       "/usr/local/bin/hf"};
constexpr const char* install_hint =
    "`fettle shelf client install` makes a private one in /opt/fettle, or use a shelf from an archive";

// 256 GiB: with less memory the client's own preset, up to 64 GB of buffers, is a danger to the rest of the
// node.
constexpr std::uint64_t memory_for_preset_kib = 256ULL << 20U;

// What stands in the client's last words, tried from top to bottom: the first match decides, so the special
// stands before the general. Measured with 1.23; unknown texts fall through to "held", never to success.
struct Row {
  std::string_view word;
  State state;
  Why why;
  std::string_view says;
  std::string_view hint;
  std::chrono::seconds retry_after;
  Stopped::Again again = Stopped::Again::later;
};

constexpr auto soon = Stopped::Again::soon;
constexpr std::string_view network_hint =
    "is the hub reachable from this node? the worker tries again by itself";

constexpr std::array rows{
    Row{"429 Too Many Requests", State::held, Why::refused, "the hub's rate limit is reached",
        "a token raises the limit: put it into /etc/fettle/credentials/hf-token", 300s},
    Row{"Rate limited", State::held, Why::refused, "the hub's rate limit is reached",
        "a token raises the limit: put it into /etc/fettle/credentials/hf-token", 300s},
    Row{"Access denied", State::failed, Why::denied, "the repository is gated",
        "accept its terms on the hub with the account whose token is in /etc/fettle/credentials/hf-token",
        0s},
    Row{"Invalid credentials", State::failed, Why::denied, "the hub does not accept the token",
        "put a valid one into /etc/fettle/credentials/hf-token", 0s},
    Row{"401 Unauthorized", State::failed, Why::denied, "the hub does not accept the token",
        "put a valid one into /etc/fettle/credentials/hf-token", 0s},
    // What the other half of the client says of a token.
    Row{"HTTP status client error (401", State::failed, Why::denied, "the hub does not accept the token",
        "put a valid one into /etc/fettle/credentials/hf-token", 0s},
    Row{"403 Forbidden", State::failed, Why::denied, "the hub does not allow it",
        "may the account whose token is in /etc/fettle/credentials/hf-token read it?", 0s},
    Row{"Revision not found", State::failed, Why::missing, "the hub does not have this revision",
        "look at the revision in the shelf's file", 0s},
    Row{"Revision '", State::failed, Why::missing, "the hub does not have this revision",
        "look at the revision in the shelf's file", 0s},
    Row{"File not found in repository", State::failed, Why::missing, "the hub does not have one of its files",
        "was the repository changed under this revision?", 0s},
    Row{"Model '", State::failed, Why::missing,
        "the hub does not have this repository, or shows it to others only",
        "look at its name in the shelf's file; a private one needs a token", 0s},
    Row{"Repository Not Found", State::failed, Why::missing,
        "the hub does not have this repository, or shows it to others only",
        "look at its name in the shelf's file; a private one needs a token", 0s},
    Row{"/xet-read-token/", State::held, Why::failed, "the hub gives no key to its storage", network_hint,
        60s},
    Row{"404 Not Found", State::held, Why::missing, "the hub or its storage does not have what was asked for",
        "does a mirror or a proxy lack it? the worker tries again by itself", 300s},
    Row{"No space left on device", State::held, Why::failed, "the cache is full",
        "free some space; the worker looks again by itself", 300s},
    Row{"os error 28", State::held, Why::failed, "the cache is full",
        "free some space; the worker looks again by itself", 300s},
    Row{"PermissionError", State::failed, Why::denied, "it may not write into the cache",
        "does the cache's hf directory belong to user fettle-stage? `fettle provision --cache` mends it", 0s},
    Row{"No such option", State::failed, Why::malformed, "this client does not know an option",
        "install a client that this fettle knows: 1.13 to 1.x", 0s},
    Row{"Usage:", State::failed, Why::malformed, "this client does not know the command",
        "install a client that this fettle knows: 1.13 to 1.x", 0s},
    Row{"Expecting value", State::held, Why::malformed, "the hub's answer is not what a hub says",
        "does a proxy or a sign-in page stand between this node and the hub? the worker tries again by "
        "itself",
        300s},
    // Its environment is ours and does not say so: what is found as `hf` must be something of its own.
    Row{"offline mode is enabled", State::failed, Why::refused, "the client is told not to use the network",
        "is `hf` on this node a script that sets HF_HUB_OFFLINE? name another client with --client", 0s},
    Row{"Aborted!", State::held, Why::failed, "somebody interrupted the client",
        "the worker tries again by itself", 30s},
    Row{"Consistency check failed", State::held, Why::failed, "a file came with the wrong length",
        network_hint, 60s},
    Row{"Server error '5", State::held, Why::failed, "the hub has an error of its own", network_hint, 60s},
    Row{"HTTP status server error", State::held, Why::failed, "the hub has an error of its own", network_hint,
        60s},
    Row{"ReadError", State::held, Why::failed, "the connection broke", network_hint, 30s, soon},
    Row{"reset by peer", State::held, Why::failed, "the connection broke", network_hint, 30s, soon},
    Row{"RemoteProtocolError", State::held, Why::failed, "the connection broke", network_hint, 30s, soon},
    Row{"Connection refused", State::held, Why::failed, "the hub does not answer", network_hint, 60s, soon},
    Row{"ConnectError", State::held, Why::failed, "the hub does not answer", network_hint, 60s, soon},
    Row{"Name or service not known", State::held, Why::failed, "the hub's name is not known", network_hint,
        60s},
    Row{"name resolution", State::held, Why::failed, "the hub's name is not known", network_hint, 60s},
    Row{"imeout", State::held, Why::timed_out, "the hub does not answer in time", network_hint, 60s},
    Row{"timed out", State::held, Why::timed_out, "the hub does not answer in time", network_hint, 60s},
    // A plain download of a file that is too large for it, for example.
    Row{"Error: Bad request", State::held, Why::refused, "the hub does not take this request",
        "`journalctl -u 'fettle-stage@*'` may tell more; the worker tries again by itself", 300s},
    Row{"Client error '4", State::held, Why::refused, "the hub does not take this request",
        "`journalctl -u 'fettle-stage@*'` may tell more; the worker tries again by itself", 300s},
    Row{"HTTP status client error (4", State::held, Why::refused, "the hub does not take this request",
        "`journalctl -u 'fettle-stage@*'` may tell more; the worker tries again by itself", 300s},
    Row{"Network error", State::held, Why::failed, "the network failed", network_hint, 60s},
    Row{"CAS Client Error", State::held, Why::failed, "the hub's storage failed", network_hint, 60s},
    Row{"Local entry not found", State::held, Why::failed, "the hub does not answer", network_hint, 60s},
};

// "Retry after 12 seconds": 12, at most an hour.
std::chrono::seconds retry_after(std::string_view words, std::chrono::seconds otherwise) {
  constexpr std::string_view phrase = "Retry after ";
  const auto at = words.find(phrase);
  if (at == std::string_view::npos) return otherwise;
  words.remove_prefix(at + phrase.size());
  const auto number = to_number<unsigned>(words.substr(0, words.find_first_not_of("0123456789")));
  return number ? std::clamp(std::chrono::seconds(*number), 1s, std::chrono::seconds(3600)) : otherwise;
}

// "Error: …", "OSError: …", "httpx.ReadError: …"
bool names_an_error(std::string_view line) {
  return line.substr(0, line.find(' ')).ends_with("Error:");
}

// The client's last line that names an error, or else its last one that is no advice of its own: it ends with
// "Hint: set HF_DEBUG=1 …" since 1.33, and after a wrong length with advice since long.
std::string_view last_words(std::string_view text) {
  std::string_view last;
  for (std::string_view line : lines(text)) {
    line = trim(line);
    if (names_an_error(line) || (!line.empty() && !line.starts_with("Hint:") && !names_an_error(last)))
      last = line;
  }
  return last;
}

Result<std::string> program_of(const Work& work) {
  if (!work.options.client.empty()) return work.options.client;
  for (const std::string_view place : usual_places) {
    const auto there = work.system.files.exists(place);
    if (there && *there) return work.system.files.host_path(place);
  }
  return fail(Why::missing,
              "cannot find the Hugging Face client `hf` in /opt/fettle/hf/bin, /usr/bin or /usr/local/bin",
              install_hint);
}

// "MemTotal:       263736832 kB"; nothing when it cannot be read: then the small buffers are the safe choice.
std::optional<std::uint64_t> memory_kib(const system::Files& files) {
  const auto text = files.read("/proc/meminfo");
  if (!text) return std::nullopt;
  for (std::string_view line : lines(*text)) {
    if (line.rfind("MemTotal:", 0) != 0) continue;
    line = trim(line.substr(9));
    return to_number<std::uint64_t>(line.substr(0, line.find(' ')));
  }
  return std::nullopt;
}

// In both spellings: the client's two halves do not agree on one.
void set_proxy(const profile::Shelf& shelf, std::map<std::string, std::string>& env) {
  if (shelf.proxy.empty()) return;
  for (const char* name : {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"}) env[name] = shelf.proxy;
  std::string hosts;
  for (const std::string& host : shelf.no_proxy) hosts.append(hosts.empty() ? "" : ",").append(host);
  if (hosts.empty()) return;
  for (const char* name : {"no_proxy", "NO_PROXY"}) env[name] = hosts;
}

}  // namespace

Result<Client> find_client(const Work& work) {
  auto program = program_of(work);
  if (!program) return fail(program.error());
  const auto answer =
      work.system.runner.run({{*program, "version", "--format", "json"}, client_environment(work)});
  if (!answer) {
    Error error = answer.error();
    if (error.hint.empty()) error.hint = install_hint;
    return fail(std::move(error));
  }
  const auto json = parse_json(answer->out, "the client's version");
  const auto version = parse_version(json ? json_text(*json, "version") : std::string());
  if (answer->exit_code != 0 || !version) {
    return fail(Why::malformed,
                "cannot use the client '" + *program + "': it does not tell its version" +
                    (answer->err.empty() ? std::string() : ": " + scrubbed(last_words(answer->err))),
                install_hint);
  }
  if (*version < *parse_version(oldest_client)) {
    return fail(Why::refused,
                "cannot use the client '" + *program + "': it is version " + version->to_text() +
                    ", older than " + std::string(oldest_client),
                install_hint);
  }
  return Client{*program, *version};
}

std::string token_path(std::string_view shelf) {
  return "/run/credentials/" + std::string(names::stage_unit) + std::string(shelf) + ".service/hf-token";
}

// The service manager's copy is the worker's alone; where it comes from must be root's alone. Mostly the
// worker may not even look there: then it is well kept.
Result<void> check_rights(const system::Files& files) {
  constexpr std::string_view source = "/etc/fettle/credentials/hf-token";
  const auto info = files.look_through(source);
  if (!info || (info->mode & 0077) == 0) return {};
  return fail(
      Why::refused,
      "cannot use the hub's token: others than its owner may read '" + std::string(source) + "'",
      "chmod 600 " + std::string(source) + ", and give the hub a new token if strangers use this node");
}

Result<void> check_token(const system::Files& files, std::string_view shelf) {
  const std::string path = token_path(shelf);
  const auto text = files.read(path, 4_KiB);
  if (!text && text.error().why == Why::missing) return {};  // anonymous
  if (!text) return fail(while_doing("use the hub's token", text.error()));
  const std::string_view token = trim(*text);
  if (token.find_first_of(" \t\r\n") != std::string_view::npos) {
    return fail(Why::malformed, "cannot use the hub's token: '" + path + "' holds more than one word",
                "put the token alone into /etc/fettle/credentials/hf-token");
  }
  if (!token.empty()) return check_rights(files);
  return fail(Why::malformed, "cannot use the hub's token: '" + path + "' is empty",
              "put it into /etc/fettle/credentials/hf-token, or remove that file to go on without one");
}

std::map<std::string, std::string> client_environment(const Work& work, Patience patience) {
  const system::Files& files = work.system.files;
  const bool is_limited = work.shelf.rate.count > 0;
  const bool is_brief = patience == Patience::brief && !is_limited;
  const std::string home = files.host_path(work.layout.home);
  std::map<std::string, std::string> env{
      {"HF_HOME", home},
      {"HF_XET_CACHE", home + "/xet"},
      // Always said: without it a token lying in the shared cache would be taken.
      {"HF_TOKEN_PATH", files.host_path(token_path(work.shelf.name))},
      {"HF_HUB_DISABLE_UPDATE_CHECK", "1"},
      {"HF_HUB_DISABLE_TELEMETRY", "1"},
      {"HF_XET_TELEMETRY_ENABLED", "0"},
      {"HF_HUB_DISABLE_PROGRESS_BARS", "1"},
      {"HF_HUB_ETAG_TIMEOUT", "30"},
      {"HF_HUB_DOWNLOAD_TIMEOUT", is_brief ? "8" : "30"},
      {"HF_XET_CLIENT_READ_TIMEOUT", is_brief ? "8s" : "60s"},
      // Else, since 1.3x, what comes by xet lies in a store beside the repositories and a blob is a link to
      // it: what is staged is ours alone, and a repository is whole in its own folder.
      {"HF_HUB_DISABLE_SHARED_BLOBS", "1"},
      {"HF_HUB_ENABLE_HF_TRANSFER", "0"},
      {"HF_HUB_USER_AGENT_ORIGIN", "fettle"},
      {"NO_COLOR", "1"},
      {"PYTHONDONTWRITEBYTECODE", "1"},
  };
  // Few streams and small buffers: what is under way when the client is paused stays little.
  if (is_limited) env["HF_XET_FIXED_DOWNLOAD_CONCURRENCY"] = "4";
  const auto memory = memory_kib(files);
  if (memory && *memory >= memory_for_preset_kib && !is_limited) {
    env["HF_XET_HIGH_PERFORMANCE"] = "1";
  } else {
    // Names that old and new clients follow when the preset is off.
    env["HF_XET_HIGH_PERFORMANCE"] = "0";
    env["HF_XET_RECONSTRUCTION_DOWNLOAD_BUFFER_SIZE"] = "1gb";
    env["HF_XET_RECONSTRUCTION_DOWNLOAD_BUFFER_PERFILE_SIZE"] = "256mb";
    env["HF_XET_RECONSTRUCTION_DOWNLOAD_BUFFER_LIMIT"] = "2gb";
  }
  std::string endpoint = work.shelf.endpoint;
  while (!endpoint.empty() && endpoint.back() == '/') endpoint.pop_back();
  if (!endpoint.empty()) env["HF_ENDPOINT"] = endpoint;
  set_proxy(work.shelf, env);
  return env;
}

std::string scrubbed(std::string_view text) {
  std::string clean;
  for (std::size_t i = 0; i < text.size() && clean.size() < 300; ++i) {
    if (text.compare(i, 3, "hf_") == 0) {
      std::size_t end = i + 3;
      while (end < text.size() && std::isalnum(static_cast<unsigned char>(text[end])) != 0) ++end;
      if (end - i >= 20) {
        clean += "hf_(token)";
        i = end - 1;
        continue;
      }
    }
    const auto c = static_cast<unsigned char>(text[i]);
    clean += c < 0x20 || c == 0x7f ? ' ' : text[i];
  }
  return clean;
}

Stopped classify(std::string_view doing, int exit_code, std::string_view words) {
  const std::string what = "cannot " + std::string(doing) + ": ";
  // Only the end tells why it ended: earlier lines may speak of trouble that was overcome.
  if (words.size() > 2048) words.remove_prefix(words.size() - 2048);
  const std::string quoted = scrubbed(last_words(words));
  const std::string heard = quoted.empty() ? std::string() : " (the client says: " + quoted + ")";
  for (const Row& row : rows) {
    if (words.find(row.word) == std::string_view::npos) continue;
    const auto later = row.state == State::held ? retry_after(words, row.retry_after) : row.retry_after;
    std::string said = what;
    said.append(row.says).append(heard);
    return {row.state, {row.why, std::move(said), std::string(row.hint)}, later, row.again};
  }
  constexpr int killed = 128 + 9;
  const std::string end = exit_code > 128
                              ? "the client was ended by signal " + std::to_string(exit_code - 128)
                              : "the client ended with exit code " + std::to_string(exit_code);
  const char* const hint = exit_code == killed
                               ? "did memory run out? `journalctl -k --grep 'out of memory'` tells; "
                                 "the worker tries again by itself"
                               : "`journalctl -u 'fettle-stage@*'` may tell more";
  return {State::held,
          {Why::failed, what + end + heard, hint},
          300s,
          exit_code > 128 ? soon : Stopped::Again::later};
}

}  // namespace fettle::shelf
