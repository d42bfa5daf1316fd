// SPDX-License-Identifier: Apache-2.0
// train: trains the network a JSON spec describes.
#include <CLI/CLI.hpp>

#include "exit_codes.h"
#include "program.h"
#include "training_run.h"
#include "version.h"

namespace accrete::apps {
namespace {

constexpr const char* kFooter = R"(
Examples
  train models/specs/quickstart.json
  train models/specs/fashion_mnist_d2l.json --set training.epochs=3 --set training.seed=7
  train my.json --output runs/mine --resume auto     go on where an interrupted run stopped
  train my.json --weights runs/old/model.safetensors --set training.freeze_batch_norm_statistics=true
                                                     fine-tune what another run has learned

Every key of a spec is documented in models/SPEC.md. Exit codes: 0 done, 1 failure, 2 usage or
spec, 3 data, 4 memory, 5 diverged, 6 weights or checkpoint, 7 GPU, 129/130/138/143 interrupted by
a signal (state saved).)";

// What the command line says in words, before it is read.
struct Words {
  std::vector<std::string> sets;
  std::vector<std::string> disabled_passes;
  bool no_fuse = false;
};

void add_run_options(CLI::App& app, TrainOptions& options, Words& words) {
  app.add_option("spec", options.spec_path, "JSON spec of the run")->required();
  app.add_option("--set", words.sets, "Override a key of the spec, KEY=VALUE (repeatable)")
      ->allow_extra_args(false);
  app.add_option("-o,--output", options.output, "Run folder (default: runs/<name>-<date>-<time>)");
  app.add_option("--device", options.device, "auto, cpu or cuda:N")->capture_default_str();
  app.add_option("--resume", options.resume,
                 "'auto' for the newest checkpoint of --output, if there is any, or a checkpoint "
                 "file");
  app.add_flag("--overwrite", options.overwrite,
               "Give up what --output holds: all of it in a new run, what is beyond the checkpoint "
               "in one that goes on");
  app.add_option("--weights", options.weights,
                 "Start from the weights and running statistics of this model.safetensors or "
                 "checkpoint; a checkpoint that --resume finds goes first");
}

void add_other_options(CLI::App& app, TrainOptions& options, Words& words) {
  app.add_option("--threads", options.threads, "CPU threads (default: all available)")
      ->check(CLI::Range(0, 4096));
  app.add_option("--stop-after", options.stop_after_steps,
                 "Save and stop after this many steps, as an interruption would")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--disable-pass", words.disabled_passes,
                 "Switch one optimisation pass off (repeatable; inspect --passes lists them)")
      ->allow_extra_args(false);
  app.add_flag("--no-fuse", words.no_fuse, "Switch every optimisation pass off");
  app.add_flag("--profile", options.profile,
               "Time every kind of op in the last epoch and print a table");
  app.add_flag("-q,--quiet", options.quiet, "No progress, only the final lines");
  app.set_version_flag("--version", version_text());
}

void take(const Words& words, TrainOptions& options) {
  for (const std::string& text : words.sets) {
    options.overrides.push_back(models::parse_override(text));
  }
  for (const std::string& name : words.disabled_passes) {
    options.passes.disable(name);
  }
  if (words.no_fuse) {
    options.passes.disable_all();
  }
}

int train(int argc, char** argv) {
  CLI::App app(
      "Trains the network a JSON spec describes and leaves a run folder with the resolved "
      "spec, metrics.jsonl, checkpoints and the final weights. SIGINT, SIGTERM, SIGHUP and SIGUSR1 "
      "end the step, save and stop.",
      "train");
  app.footer(kFooter);
  TrainOptions options;
  Words words;
  add_run_options(app, options, words);
  add_other_options(app, options, words);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return answer_of_parser(app, error);
  }
  take(words, options);
  return run_training(options);
}

}  // namespace
}  // namespace accrete::apps

int main(int argc, char** argv) {
  return accrete::apps::run_program("train", [&] { return accrete::apps::train(argc, argv); });
}
