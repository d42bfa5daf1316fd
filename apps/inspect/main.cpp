// SPDX-License-Identifier: Apache-2.0
// inspect: what a spec describes, without running it: layers, parameters, work, memory.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "accrete/kernels/error.h"
#include "error_table.h"
#include "exit_codes.h"
#include "program.h"
#include "report.h"
#include "version.h"

namespace accrete {
namespace {

constexpr const char* kFooter = R"(
Examples
  inspect models/specs/fashion_mnist_d2l.json
  inspect my.json --batch 512                 would it fit?
  inspect my.json --budget 4096               largest batch that fits 4 GiB
  inspect my.json --graph text                what the passes made of the net, and why not more
  inspect my.json --graph dot | dot -Tsvg -O
  inspect my.json --graph json --device cuda  every call of a GPU's step, for programs
  inspect my.json --set training.precision=bf16
  inspect my.json --device cuda               the plan of a GPU, which needs none

Exit codes: 0 done, 1 failure, 2 usage or spec, 3 data, 4 memory; --errors lists every error.)";

// What the command line says in words, before it is read.
struct Words {
  std::vector<std::string> sets;
  std::vector<std::string> disabled_passes;
  std::int64_t batch = 0;
  std::string device = "cpu";
  std::string graph;
  bool list_passes = false;
  bool list_errors = false;
};

void add_options(CLI::App& app, apps::InspectOptions& options, Words& words) {
  app.add_option("spec", options.spec_path, "JSON spec of the run");
  app.add_option("--set", words.sets, "Override a key of the spec, KEY=VALUE (repeatable)")
      ->allow_extra_args(false);
  app.add_option("--batch", words.batch, "Batch size to plan for (default: the spec's)")
      ->check(CLI::PositiveNumber);
  app.add_option("--budget", options.budget_mib, "Print the largest batch that fits this many MiB")
      ->check(CLI::Range(std::int64_t{1}, apps::kMostBudgetMib));
  app.add_option("--disable-pass", words.disabled_passes,
                 "Switch one optimisation pass off (repeatable)")
      ->allow_extra_args(false);
  app.add_option("--device", words.device, "Plan for cpu or cuda; no GPU is needed")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  app.add_option(
         "--graph", words.graph,
         "Print the graph before the passes and the training step after them: text, dot or json")
      ->check(CLI::IsMember({"text", "dot", "json"}));
  app.add_flag("--passes", words.list_passes, "List the optimisation passes");
  app.add_flag("--errors", words.list_errors,
               "List every error of train and inspect, what it means and what to do (Markdown)");
  app.set_version_flag("--version", apps::version_text());
}

void print_passes() {
  for (const PassInfo& pass : all_passes()) {
    std::printf("%-24s %s\n", pass.name, pass.description);
  }
}

void take(const Words& words, apps::InspectOptions& options) {
  if (!words.graph.empty()) {
    options.graph = words.graph == "dot"    ? apps::GraphFormat::dot
                    : words.graph == "json" ? apps::GraphFormat::json
                                            : apps::GraphFormat::text;
  }
  if (words.device == "cuda") {
    options.device = {DeviceKind::cuda, 0};
  }
  for (const std::string& text : words.sets) {
    options.overrides.push_back(models::parse_override(text));
  }
  if (words.batch > 0) {  // the same limits as in a spec
    options.overrides.push_back({"training.batch_size", std::to_string(words.batch)});
  }
  for (const std::string& name : words.disabled_passes) {
    options.passes.disable(name);
  }
}

int inspect(int argc, char** argv) {
  CLI::App app("Prints the layers, parameters, multiply-accumulates and the memory plan of a spec.",
               "inspect");
  app.footer(kFooter);
  apps::InspectOptions options;
  Words words;
  add_options(app, options, words);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return apps::answer_of_parser(app, error);
  }
  if (words.list_passes) {
    print_passes();
    return apps::kExitOk;
  }
  if (words.list_errors) {
    std::fputs(apps::errors_markdown().c_str(), stdout);
    return apps::kExitOk;
  }
  if (options.spec_path.empty()) {
    throw Error(ErrorCode::invalid_argument,
                "name a spec, for example "
                "models/specs/quickstart.json; --help explains");
  }
  take(words, options);
  apps::print_report(options);
  return apps::kExitOk;
}

}  // namespace
}  // namespace accrete

int main(int argc, char** argv) {
  return accrete::apps::run_program("inspect", [&] { return accrete::inspect(argc, argv); });
}
