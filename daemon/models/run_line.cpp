#include "models/run_line.h"

#include <algorithm>

#include "base/text.h"
#include "base/yaml_text.h"

namespace fettle::models {
namespace {

using Place = Part::Place;

Reason reason(std::string rule, std::string text, std::string source, std::string confidence = "source") {
  return {std::move(rule), std::move(text), {std::move(source)}, std::move(confidence)};
}

class Builder {
 public:
  explicit Builder(RunLine& line) : line_(line) {}

  void option(std::vector<std::string> words, Reason why) {
    line_.parts.push_back({Place::option, std::move(words), std::move(why)});
  }
  void argument(std::vector<std::string> words, Reason why) {
    line_.parts.push_back({Place::argument, std::move(words), std::move(why)});
  }
  void variable(const std::string& name, const std::string& value, Reason why) {
    option({"--env", name + "=" + value}, std::move(why));
  }

 private:
  RunLine& line_;
};

void add_machine(Builder& add, const Container& container) {
  const std::string source = "run instructions of rocm/vllm and vllm/vllm-openai-rocm";
  add.option({"--device", "/dev/kfd"},
             reason("gpu", "the compute interface of the driver", source, "recipe"));
  add.option({"--device", "/dev/dri"}, reason("gpu", "the render nodes of all GPUs", source, "recipe"));
  if (container.program == Program::podman) {
    add.option({"--group-add", "keep-groups"},
               reason("gpu", "the caller's groups render and video own the devices", "podman-run(1)"));
  } else {
    add.option({"--group-add", "video"}, reason("gpu", "this group owns the devices", source, "recipe"));
    if (!container.render_group.empty()) {
      add.option({"--group-add", container.render_group},
                 reason("gpu",
                        "this node's group render by its number, which owns /dev/kfd on Ubuntu: the image "
                        "need not know the name",
                        "/etc/group of this node"));
    }
  }
  add.option({"--ipc=host"},
             reason("ranks", "ranks talk through shared memory, of which a container has 64 MB else", source,
                    "recipe"));
  add.option({"--security-opt", "seccomp=unconfined"},
             reason("numa", "the runtime binds memory to NUMA nodes", source, "recipe"));
  add.option({"--cap-add", "SYS_PTRACE"},
             reason("ranks", "ranks on one node read each other's memory", source, "recipe"));
}

// Those that a container gets from the profile, without what the advice takes away or sets itself.
void add_profile_variables(Builder& add, const profile::Profile& profile, const Advice& advice) {
  const auto is_decided = [&](const std::string& name) {
    return std::any_of(advice.unset.begin(), advice.unset.end(),
                       [&](const Unset& each) { return each.name == name; }) ||
           std::any_of(advice.settings.begin(), advice.settings.end(),
                       [&](const Setting& each) { return each.name == name; });
  };
  if (profile.cache) {
    for (const profile::CacheDirectory& each : profile.caches) {
      if (each.compiled == profile::Compiled::by_image) continue;  // the advice has them
      for (const std::string& name : each.env) {
        if (is_decided(name)) continue;
        add.variable(name, profile.cache->path + "/" + each.name,
                     reason("profile", each.why, "profile " + profile.name));
      }
    }
  }
  for (const profile::Variable& each : profile.environment) {
    if (each.scope == profile::Scope::host || is_decided(each.name)) continue;
    add.variable(each.name, each.value, reason("profile", each.why, each.source));
  }
}

void add_program(Builder& add, const std::string& engine, const Container& container,
                 const std::string& model) {
  const Reason why = reason("serve", "the engine's server, and what it serves", container.image_source);
  if (engine == "sglang") {
    add.argument({"python3", "-m", "sglang.launch_server", "--model-path", model}, why);
    add.argument({"--host", "0.0.0.0", "--port", "30000"},
                 reason("serve", "reachable from outside of the container", "SGLang server arguments"));
    return;
  }
  if (container.entry == Entry::shell) {
    add.argument({"vllm", "serve", model}, why);
  } else {
    add.argument({model}, why);
  }
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : split(text, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

std::string comment(const Reason& why) {
  std::string text = why.text + " [" + why.rule + "; " + why.confidence + ": ";
  for (std::size_t i = 0; i < why.sources.size(); ++i) text += (i == 0 ? "" : ", ") + why.sources[i];
  text += "]";
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text;
}

std::string heading(const RunLine& line) {
  std::string text = "# " + line.headline + "\n";
  for (std::size_t i = 0; i < line.unset.size(); ++i) {
    const Unset& each = line.unset[i];
    const bool is_first = i == 0 || line.unset[i - 1].reason.rule != each.reason.rule;
    const bool is_last = i + 1 == line.unset.size() || line.unset[i + 1].reason.rule != each.reason.rule;
    text += (is_first ? "# leave unset: " : ", ") + each.name;
    if (is_last) text += ": " + comment(each.reason) + "\n";
  }
  return text;
}

std::string joined(const std::vector<std::string>& words, std::string (*quote)(std::string_view)) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + quote(word);
  return text;
}

// A comment cannot stand between continued lines of a shell: the reasons come first.
std::string write_shell(const RunLine& line, std::string_view program) {
  std::string text = heading(line);
  for (const Part& each : line.parts)
    text += "#   " + joined(each.words, &quote_sh) + ": " + comment(each.reason) + "\n";
  text += std::string(program) + " run --rm --name " + quote_sh(line.name);
  for (const Part& each : line.parts) text += " \\\n  " + joined(each.words, &quote_sh);
  return text + "\n";
}

std::string write_docker(const RunLine& line) {
  return write_shell(line, "docker");
}
std::string write_podman(const RunLine& line) {
  return write_shell(line, "podman");
}

std::string write_unit(const RunLine& line) {
  std::string text = heading(line);
  for (const Part& each : line.parts)
    text += "#   " + joined(each.words, &quote_unit) + ": " + comment(each.reason) + "\n";
  text += "[Unit]\nDescription=" + line.model + "\nRequires=docker.service fettle-cache.target\n" +
          "After=docker.service fettle-cache.target\n\n" +
          // 143: ended by the SIGTERM of `docker stop`.
          "[Service]\nRestart=on-failure\nSuccessExitStatus=143\nTimeoutStartSec=infinity\n" +
          "ExecStart=/usr/bin/docker run --rm --name " + quote_unit(line.name);
  for (const Part& each : line.parts) text += " \\\n  " + joined(each.words, &quote_unit);
  return text + "\nExecStop=/usr/bin/docker stop " + quote_unit(line.name) +
         "\n\n[Install]\nWantedBy=multi-user.target\n";
}

// One option of docker and its key in a compose file.
struct Key {
  std::string_view option;
  std::string_view key;
};
constexpr std::array list_keys{
    Key{"--device", "devices"},  Key{"--group-add", "group_add"}, Key{"--security-opt", "security_opt"},
    Key{"--cap-add", "cap_add"}, Key{"--volume", "volumes"},      Key{"--publish", "ports"},
    Key{"--env", "environment"}};

std::string write_compose(const RunLine& line) {
  std::string text = heading(line) + "services:\n  " + line.name + ":\n    restart: unless-stopped\n";
  for (const Part& each : line.parts) {
    if (each.place == Place::image)
      text += "    # " + comment(each.reason) + "\n    image: " + compose_text(each.words[0]) + "\n";
    if (each.words[0] == "--ipc=host") text += "    # " + comment(each.reason) + "\n    ipc: host\n";
  }
  for (const Key& key : list_keys) {
    std::string list;
    for (const Part& each : line.parts) {
      if (each.place != Place::option || each.words[0] != key.option || each.words.size() != 2) continue;
      std::string value = each.words[1];
      if (key.key == "devices") value += ":" + value;
      list += "      # " + comment(each.reason) + "\n      - " + compose_text(value) + "\n";
    }
    if (!list.empty()) text += "    " + std::string(key.key) + ":\n" + list;
  }
  text += "    command:\n";
  for (const Part& each : line.parts) {
    if (each.place != Place::argument) continue;
    text += "      # " + comment(each.reason) + "\n";
    for (const std::string& word : each.words) text += "      - " + compose_text(word) + "\n";
  }
  return text;
}

bool is_plain(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./:=,@+").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string quote_sh(std::string_view word) {
  if (is_plain(word)) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string quote_unit(std::string_view word) {
  if (is_plain(word)) return std::string(word);
  std::string quoted = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '%' || c == '$') quoted += c;
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string container_name(std::string_view model) {
  const auto slash = model.find_last_of('/');
  std::string name(slash == std::string_view::npos ? model : model.substr(slash + 1));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return name;
}

RunLine run_line(const profile::ModelFacts& model, const Advice& advice, const Wish& wish,
                 const profile::Profile* profile, const Container& container) {
  RunLine line;
  line.name = container_name(model.id);
  line.model = model.id;
  line.headline = model.id + " with " + wish.engine.name + " " + wish.engine.version + ", " +
                  to_text(advice.layout) + " (chosen by " + advice.layout_from + "); AITER " + advice.aiter +
                  " " + advice.aiter_from;
  line.unset = advice.unset;
  Builder add(line);
  add_machine(add, container);
  const bool is_sglang = wish.engine.name == "sglang";
  const std::string port = is_sglang ? "30000:30000" : "8000:8000";
  add.option(
      {"--publish", port},
      reason("serve", "the server's port, on every address of this node; 127.0.0.1: before it keeps it here",
             "the engine's default port"));
  if (profile != nullptr && profile->cache) {
    const std::string& path = profile->cache->path;
    add.option({"--volume", path + ":" + path},
               reason("cache", "models and compiled kernels, at the path that the variables name",
                      "profile " + profile->name));
    add_profile_variables(add, *profile, advice);
  }
  for (const Setting& each : advice.settings) add.variable(each.name, each.value, each.reason);
  if (container.is_staged) {
    add.variable("HF_HUB_OFFLINE", "1",
                 reason("staged", "every file was verified on this node: the hub need not be asked",
                        "huggingface_hub environment variables"));
  }
  line.parts.push_back(
      {Place::image, {container.image}, reason("image", "the engine", container.image_source)});
  add_program(add, wish.engine.name, container, model.id);
  for (const Argument& each : advice.arguments) add.argument(words_of(each.text), each.reason);
  return line;
}

const std::array<LineDialect, 4>& line_dialects() {
  static constexpr std::array<LineDialect, 4> table{{
      {"docker", Program::docker, &write_docker},
      {"podman", Program::podman, &write_podman},
      {"compose", Program::docker, &write_compose},
      {"systemd", Program::docker, &write_unit},
  }};
  return table;
}

}  // namespace fettle::models
