// Rules: which texts fit where, each with the sentence that says what is allowed.
#pragma once

#include <string_view>

#include "profile/reading.h"

namespace fettle::profile {

// Of profiles, shelves and cache directories: they become file names, unit instances and labels.
extern const Rule name_rule;
bool is_name(std::string_view text);

extern const Rule sentence_rule;    // anything printable
extern const Rule value_rule;       // anything printable, also nothing
extern const Rule variable_rule;    // HF_HOME
extern const Rule user_rule;        // of a user or group
extern const Rule repository_rule;  // Qwen/Qwen3-0.6B
extern const Rule branch_rule;      // main
extern const Rule pattern_rule;     // *.safetensors: goes to the client as an argument
extern const Rule path_rule;        // /srv/shelves/tiny.tar.zst
extern const Rule file_rule;        // {image}_{container}_%d.csv
extern const Rule package_rule;     // aiter/jit
extern const Rule place_rule;       // /var/lib/docker, ~/.cache/huggingface
extern const Rule endpoint_rule;    // https://mirror.example
extern const Rule loopback_rule;    // http://127.0.0.1:8000
extern const Rule host_rule;        // localhost, .example, 10.0.0.0/8
extern const Rule image_rule;       // docker.io/rocm/vllm
extern const Rule tag_rule;         // v0.11.2
extern const Rule digest_rule;      // sha256:…
extern const Rule version_rule;     // 6.4.x, 24.04.3
extern const Rule date_rule;        // 2025-10-10
extern const Rule month_rule;       // 2026-11
extern const Rule amount_rule;      // 31.2
extern const Rule currency_rule;    // USD
extern const Rule pci_rule;         // 0x74a1

// Setting::key, by kind: kernel.numa_balancing, /sys/kernel/mm/transparent_hugepage/enabled,
// amdgpu.ras_enable.
extern const Rule dotted_rule;
extern const Rule sysfs_rule;
extern const Rule word_rule;    // of a kernel command line or a limit: no blank, no quote
extern const Rule beside_rule;  // name=C2

// 40 hex digits: a commit of a model repository.
bool is_commit(std::string_view text);

// Why the cache cannot live at this path; empty when it can.
std::string_view why_not_cache_path(std::string_view path);

// The same for a cache on drives, which is mounted there.
std::string_view why_not_mount_point(std::string_view path);

}  // namespace fettle::profile
