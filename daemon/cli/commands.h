// Every sub-command's entry point; each is defined in the file of its name.
#pragma once

#include "cli/command.h"

namespace fettle::cli {

int run_acknowledge(Context& context, const std::vector<std::string>& arguments);
int run_apply(Context& context, const std::vector<std::string>& arguments);
int run_bench(Context& context, const std::vector<std::string>& arguments);
int run_caches(Context& context, const std::vector<std::string>& arguments);
int run_capture(Context& context, const std::vector<std::string>& arguments);
int run_check(Context& context, const std::vector<std::string>& arguments);
int run_collect(Context& context, const std::vector<std::string>& arguments);
int run_compat(Context& context, const std::vector<std::string>& arguments);
int run_engine(Context& context, const std::vector<std::string>& arguments);
int run_env(Context& context, const std::vector<std::string>& arguments);
int run_events(Context& context, const std::vector<std::string>& arguments);
int run_host(Context& context, const std::vector<std::string>& arguments);
int run_images(Context& context, const std::vector<std::string>& arguments);
int run_inventory(Context& context, const std::vector<std::string>& arguments);
int run_jit(Context& context, const std::vector<std::string>& arguments);
int run_ledger(Context& context, const std::vector<std::string>& arguments);
int run_log(Context& context, const std::vector<std::string>& arguments);
int run_metrics(Context& context, const std::vector<std::string>& arguments);
int run_models(Context& context, const std::vector<std::string>& arguments);
int run_plan(Context& context, const std::vector<std::string>& arguments);
int run_profile(Context& context, const std::vector<std::string>& arguments);
int run_provision(Context& context, const std::vector<std::string>& arguments);
int run_generator(Context& context, const std::vector<std::string>& arguments);
int run_ready(Context& context, const std::vector<std::string>& arguments);
int run_report(Context& context, const std::vector<std::string>& arguments);
int run_run_line(Context& context, const std::vector<std::string>& arguments);
int run_seal(Context& context, const std::vector<std::string>& arguments);
int run_shelf(Context& context, const std::vector<std::string>& arguments);
int run_stage(Context& context, const std::vector<std::string>& arguments);
int run_status(Context& context, const std::vector<std::string>& arguments);
int run_storage(Context& context, const std::vector<std::string>& arguments);
int run_trim(Context& context, const std::vector<std::string>& arguments);
int run_wait(Context& context, const std::vector<std::string>& arguments);

}  // namespace fettle::cli
