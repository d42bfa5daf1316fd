// SPDX-License-Identifier: Apache-2.0
#include "error_table.h"

namespace accrete::apps {
namespace {

constexpr int kIo = exit_code_of(ErrorCode::io);
constexpr int kInternal = exit_code_of(ErrorCode::internal);
constexpr int kUsage = exit_code_of(ErrorCode::invalid_argument);
constexpr int kUnsupported = exit_code_of(ErrorCode::unsupported);
constexpr int kSpec = exit_code_of(ErrorCode::spec);
constexpr int kData = exit_code_of(ErrorCode::data);
constexpr int kMemory = exit_code_of(ErrorCode::out_of_memory);
constexpr int kDiverged = exit_code_of(ErrorCode::diverged);
constexpr int kWeights = exit_code_of(ErrorCode::weights);
constexpr int kDevice = exit_code_of(ErrorCode::device_failure);

const std::vector<ErrorRow> kFileRows = {
    {"file-unreadable", kIo, "check that it is a file, exists and is readable",
     "Correct the path of the spec, or the one after --weights or --resume."},
    {"no-regular-file", kIo, "it is a folder, a pipe or a device", "Name a file."},
    {"run-folder-unwritable", kIo, "cannot write the run folder",
     "Choose another folder with --output, or change its permissions."},
    {"run-file-unwritable", kIo, "is writable and has space",
     "Make space on the disk; --resume auto goes on from the last checkpoint."},
    {"run-file-unremovable", kIo, "cannot remove",
     "Change the permissions, or choose another --output."},
    {"output-unwritable", kIo, "cannot write standard output",
     "Make space where the output goes, or keep the reader of the pipe alive."},
    {"system-refused", kInternal,
     "the system refused:", "Raise the limit named, or end other programs.",
     "which limit comes first depends on the machine"},
    {"unexpected-failure", kInternal, "unexpected failure:",
     "A fault of the program: report it with the spec and the message.", "no input is known"},
};

const std::vector<ErrorRow> kUsageRows = {
    {"usage-flag", kUsage, "argument was not expected", "See --help for the flags."},
    {"usage-value", kUsage, "not in range", "Give the flag a value that --help names."},
    {"usage-no-spec", kUsage, "spec is required", "Name a spec; examples are in models/specs."},
    {"usage-nothing-to-inspect", kUsage, "name a spec", "Name a spec, or see inspect --help."},
    {"usage-device", kUsage, "expected auto, cpu or cuda:N",
     "Write the device in one of these ways."},
    {"usage-pass", kUsage, "there is no pass named", "inspect --passes lists them."},
    {"device-unavailable", kUnsupported, "; use --device cpu, or auto",
     "Use --device cpu, or a build and a machine with that GPU."},
    {"output-holds-a-run", kUsage, "holds the results of an earlier run",
     "Go on with --resume auto, choose another --output, or give them up with --overwrite."},
    {"output-holds-newer", kUsage, "holds newer checkpoints",
     "Go on with --resume auto, choose another --output, or give them up with --overwrite."},
    {"output-in-use", kUsage, "is in use by",
     "Wait for the process named, or choose another --output."},
    {"output-name", kUsage, "has control characters", "Choose a folder with a plain name."},
};

const std::vector<ErrorRow> kSpecRows = {
    {"set-form", kSpec, "expected KEY=VALUE", "Write --set training.epochs=3."},
    {"set-path", kSpec, "is a value, not an object with keys",
     "Shorten the key: what stands before the last dot has no keys."},
    {"set-key", kSpec, "a key before or after a dot is missing", "Write each key once."},
    {"set-value", kSpec, "the value cannot be used", "Correct the value, which is read as JSON."},
    {"spec-long", kSpec, "bytes, a spec has at most", "Name the spec, not a data file."},
    {"spec-deep", kSpec, "levels of objects and lists", "Correct the brackets."},
    {"spec-duplicate-key", kSpec, "stands twice in its object", "Keep one of the two."},
    {"spec-number-range", kSpec, "is a number that no double holds", "Correct the number."},
    {"spec-nul", kSpec, "has the character U+0000", "Leave the character out."},
    {"spec-name", kSpec, "neither '/' nor control characters", "Give the run a plain name."},
    {"spec-json", kSpec, "not valid JSON", "Correct the spec at the line and column given."},
    {"spec-not-an-object", kSpec, "must be an object", "Write { } there."},
    {"spec-missing-key", kSpec, "is missing; a spec needs", "Add the key."},
    {"spec-unknown-key", kSpec, "is not a known key",
     "Correct the key; models/SPEC.md has them all."},
    {"spec-integer", kSpec, "must be a whole number from", "Give a number within the limits."},
    {"spec-number", kSpec, "must be a number from", "Give a number within the limits."},
    {"spec-boolean", kSpec, "must be true or false", "Write true or false."},
    {"spec-string", kSpec, "must be a string", "Put the value in quotes."},
    {"spec-integers", kSpec, "must be a list of whole numbers", "Write a list such as [6, 12]."},
    {"spec-numbers", kSpec, "must be a list of numbers", "Write a list such as [0.5, 0.75]."},
    {"spec-choice", kSpec, "must be one of", "Take one of the words listed."},
    {"spec-preset-type", kSpec, "the type of the preset", "Leave /model/type out."},
    {"spec-even-kernel", kSpec, "must be odd", "Make the stem's kernel 1, 3, 5, 7, ..."},
    {"spec-list-length", kSpec, " at most, found", "Shorten the list."},
    {"spec-depth", kSpec, " in all, found", "Use fewer layers."},
    {"spec-compression", kSpec, "/model/compression keeps none",
     "Raise /model/compression to the number named."},
    {"spec-nesterov", kSpec, "needs a momentum above 0", "Set the optimizer's momentum."},
    {"spec-budget", kSpec, "such as \"4GiB\"", "Write a number and a unit, \"4GiB\"."},
    {"spec-budget-and-recompute", kSpec, "chooses the recompute level itself",
     "Give /memory/budget or /memory/recompute."},
    {"spec-images-too-small", kSpec, "are too small for this net",
     "Set /data/image_size to the size named, or use a smaller net."},
    {"spec-impossible-shape", kUsage, "impossible shape",
     "Use smaller images, fewer channels or a smaller batch: a tensor has at most 2^40 elements."},
    {"spec-expect-params", kSpec, "/model/expect_params is",
     "Correct the number, or the model that was to have as many parameters."},
    {"spec-classes", kSpec, "/model/num_classes is",
     "Set /model/num_classes to the classes of the data set."},
    {"spec-channels", kSpec, "entries, the images have",
     "Give /data/mean and /data/std one number per channel."},
    {"spec-epochs-done", kSpec, "ask for as many epochs at least",
     "Ask for as many epochs as the checkpoint has, or start afresh in another --output."},
    {"spec-synthetic", kSpec, "classes are impossible", "Ask for fewer or smaller images."},
};

const std::vector<ErrorRow> kDataRows = {
    {"data-missing", kData, "Three ways to get Fashion-MNIST", "Take one of the ways it names."},
    {"data-download", kData, "Fashion-MNIST was not found in",
     "Connect to the internet, or put the files in a folder that /data/path names.",
     "depends on the machine's network and packages"},
    {"data-folder", kData, "cannot be searched",
     "Change the folder's permissions, or name another."},
    {"data-unreadable", kData, "cannot be read:", "Put the file itself there."},
    {"data-damaged", kData, "is not usable:", "Fetch the file again."},
    {"data-truncated", kData, "the file is truncated", "Fetch the file again."},
    {"data-counts", kData, "images but", "Use images and labels that belong together."},
    {"data-label", kData, "labels go from 0 to", "Use the labels of this data set."},
    {"data-sizes", kData, "use files that fit each other",
     "Use files that belong together, or set /data/image_size."},
};

const std::vector<ErrorRow> kRunRows = {
    {"memory-budget", kMemory, "the budget is", "Use a smaller batch or a larger /memory/budget."},
    {"memory-plan", kMemory, "the plan needs",
     "Use a smaller batch; inspect --budget finds the largest that fits."},
    {"memory-data", kMemory, "can be had;", "Use fewer or smaller images, or another machine."},
    {"memory-threads", kMemory, "[thread_pool] the system gave",
     "Use fewer --threads, or raise the limits (ulimit)."},
    {"memory-loader", kMemory, "refuses a thread for preparing batches",
     "End other programs, or raise the limit (ulimit -u).",
     "the limit that leaves no thread for this depends on the machine"},
    {"memory-arena", kMemory, "of memory; use a smaller batch size", "Use a smaller batch.",
     "the plan is compared with the memory before"},
    {"memory-program", kMemory, "the system refused memory to this program",
     "Use a smaller batch, net or data set, or raise the limit (ulimit -v).",
     "which allocation finds no memory depends on the machine"},
    {"memory-refused", kMemory, "the system refuses the memory for",
     "End other programs, or use fewer or smaller images.",
     "which allocation finds no memory depends on the machine"},
    {"diverged", kDiverged, "the loss became",
     "Lower the learning rate or add warm-up; the checkpoint named is from before."},
    {"diverged-test", kDiverged, "the loss of the test images is",
     "Lower the learning rate or the weight decay."},
    {"diverged-weights", kDiverged, "holds numbers that are NaN or infinite",
     "Lower the learning rate or the weight decay."},
    {"weights-damaged", kWeights, "is not a usable safetensors file",
     "Take an older checkpoint, or fetch the file again."},
    {"checkpoint-damaged", kWeights, "is damaged: the checksum",
     "Take an older checkpoint, or let --resume auto find it."},
    {"checkpoints-all-damaged", kWeights, "every checkpoint of",
     "Start afresh in another --output."},
    {"checkpoint-no-checksums", kWeights, "has no checksums",
     "Start from its weights with --weights."},
    {"weights-not-of-a-run", kWeights, "is no checkpoint of a training run",
     "Take an older checkpoint.", "needs impossible counts under right checksums"},
    {"weights-other-spec", kWeights, "was written by a run with another spec",
     "Use that run's spec and data, or start afresh in another --output."},
    {"weights-only", kWeights, "holds weights, but no state of a run",
     "Start from it with --weights, or name a checkpoint."},
    {"weights-not-finite", kWeights, "values that are NaN or infinite",
     "Use weights from before training diverged."},
    {"weights-further-tensors", kWeights, "tensors that the model and optimizer have not",
     "Use the weights of the same model."},
    {"weights-other-model", kWeights, "has no tensor", "Use the weights of the same model."},
    {"weights-other-shape", kWeights, "another shape than the model's",
     "Use the weights of the same model."},
    {"device-failed", kDevice,
     " failed: ", "Run again with --resume auto; if it stays, check the GPU and its driver.",
     "needs a GPU that fails"},
    {"hung-up", kExitHungUp, "stopped after step",
     "Go on with --resume auto: the state was saved."},
    {"user-signal", kExitUserSignal, "stopped after step",
     "Go on with --resume auto: the state was saved."},
    {"interrupted", kExitInterrupted, "stopped after step",
     "Go on with --resume auto: the state was saved."},
    {"terminated", kExitTerminated, "stopped after step",
     "Go on with --resume auto: the state was saved."},
};

std::string untested(const ErrorRow& row) {
  return *row.untested == '\0' ? "" : std::string(" (Not tested: ") + row.untested + ".)";
}

constexpr const char* kExitCodes = R"(# Errors

Written by `inspect --errors`.

`train` and `inspect` print one line on standard error, which begins with the program's name, and
end with one of these codes.

| code | meaning | what has happened |
|---|---|---|
| 0 | done | also after `--stop-after`, `--help`, `--version` |
| 1 | failure | a file that cannot be read or written, a fault of the program |
| 2 | usage or spec | a flag, a key or a value that cannot be; a device that is not there |
| 3 | data | a data set that is missing, damaged or does not fit |
| 4 | memory | the plan, the data or the threads need more than there is |
| 5 | diverged | the loss became NaN or infinite; the weights before that step are kept |
| 6 | weights | a checkpoint or weight file that is damaged or belongs to another run |
| 7 | GPU | the driver or a kernel failed, the GPU was lost; the last checkpoint is intact |
| 129 | SIGHUP | the step was finished and the state saved; `--resume auto` goes on |
| 130 | SIGINT | the same |
| 138 | SIGUSR1 | the same |
| 143 | SIGTERM | the same |

Spec, data and usage errors are found before the run folder is created. What is left in it, whatever
ends a run, is in [reliability.md](reliability.md).

Every message holds the text of one row below, and names what is at fault: the flag, the key as a
JSON pointer, the file. The last four rows are no errors, and print their line on standard output.

| name | code | message | what to do |
|---|---|---|---|
)";

}  // namespace

const std::vector<ErrorRow>& error_table() {
  static const std::vector<ErrorRow> table = [] {
    std::vector<ErrorRow> rows;
    for (const auto* part : {&kFileRows, &kUsageRows, &kSpecRows, &kDataRows, &kRunRows}) {
      rows.insert(rows.end(), part->begin(), part->end());
    }
    return rows;
  }();
  return table;
}

std::string errors_markdown() {
  std::string text = kExitCodes;
  for (const ErrorRow& row : error_table()) {
    text += std::string("| ") + row.name + " | " + std::to_string(row.exit_code) + " | `" +
            row.message + "` | " + row.cure + untested(row) + " |\n";
  }
  return text;
}

}  // namespace accrete::apps
