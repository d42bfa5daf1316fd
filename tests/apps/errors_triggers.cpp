// SPDX-License-Identifier: Apache-2.0
#include "apps/errors_triggers.h"

#include <filesystem>

#include "apps/command.h"
#include "support/idx_content.h"

namespace accrete::test {
namespace {

namespace fs = std::filesystem;
using Triggers = std::map<std::string, Trigger>;

std::string write(const std::string& path, const std::string& text) {
  write_plain(path, text);
  return path;
}

void write_good_data(const std::string& folder) {
  write_split(folder, "train", 4, 28, 28);
  write_split(folder, "t10k", 4, 28, 28);
}

std::string into_run(const std::string& folder) {
  return " -q --output " + folder + "/run";
}

// The tiny spec with more flags.
Trigger tiny(const std::string& flags) {
  return {[flags](const std::string& folder) {
    return train(tiny_spec(folder) + " " + flags + into_run(folder));
  }};
}

Trigger with_set(const std::string& override_) {
  return tiny("--set '" + override_ + "'");
}

Trigger spec_text(const std::string& text) {
  return {[text](const std::string& folder) {
    return train(write(folder + "/spec.json", text) + into_run(folder));
  }};
}

// A run on the files that `prepare` writes.
Trigger on_files(const std::function<void(const std::string&)>& prepare, int classes = 10) {
  return {[prepare, classes](const std::string& folder) {
    fs::create_directories(folder + "/data");
    prepare(folder + "/data");
    return train(tiny_spec(folder) + " --set data.dataset=fashion_mnist --set data.path=" + folder +
                 "/data --set model.num_classes=" + std::to_string(classes) + into_run(folder));
  }};
}

// After a run of the tiny spec, another one; "@" stands for the folder.
Trigger after_a_run(const std::string& flags, bool same_folder) {
  const auto command = [flags, same_folder](const std::string& folder) {
    const std::string spec = tiny_spec(folder);
    const std::string first = folder + (same_folder ? "/run" : "/first");
    std::string rest = flags;
    while (rest.find('@') != std::string::npos) {
      rest.replace(rest.find('@'), 1, folder);
    }
    return train(spec + " -q --set training.epochs=1 --output " + first) + " >/dev/null && " +
           train(spec + " --set training.epochs=1 " + rest + into_run(folder));
  };
  return {command, same_folder};
}

// Resumes from a checkpoint that the program `sed` has changed.
Trigger on_changed_checkpoint(const std::string& change) {
  return {[change](const std::string& folder) {
    const std::string spec = tiny_spec(folder) + " --set training.epochs=1";
    const std::string bad = folder + "/bad.safetensors";
    return train(spec + " -q --output " + folder + "/first") + " >/dev/null && sed '" + change +
           "' " + folder + "/first/checkpoints/*.safetensors >" + bad + " && " +
           train(spec + " --resume " + bad + into_run(folder));
  }};
}

// With a limit of the shell.
Trigger limited(const std::string& limit, const std::string& flags) {
  const auto command = [limit, flags](const std::string& folder) {
    return limit + "; " + train(tiny_spec(folder) + " " + flags + into_run(folder));
  };
  return {command, false, true};
}

// Waits until a file has something in it, for a minute.
std::string until_file(const std::string& path) {
  return "for i in $(seq 1200); do test -s " + path + " && break; sleep 0.05; done; ";
}

// A signal after the first epoch of a long run.
Trigger signalled(const std::string& signal) {
  const auto command = [signal](const std::string& folder) {
    return with_default_signals(train(
               tiny_spec(folder) + " --set training.epochs=1000000 --output " + folder + "/run")) +
           " & " + until_file(folder + "/run/metrics.jsonl") + "kill -" + signal + " $!; wait $!";
  };
  return {command, true};
}

void add_files(Triggers& all) {
  all["file-unreadable"] = {
      [](const std::string& folder) { return train(folder + "/none.json" + into_run(folder)); }};
  all["no-regular-file"] = {
      [](const std::string& folder) { return train("/dev/zero" + into_run(folder)); }};
  all["run-folder-unwritable"] = {[](const std::string& folder) {
    return train(tiny_spec(folder) + " -q --output " + write(folder + "/file", "") + "/run");
  }};
  all["run-file-unwritable"] = {[](const std::string& folder) {
                                  return "trap '' XFSZ; ulimit -f 24; " +
                                         train(tiny_spec(folder) + into_run(folder));
                                },
                                true};
  all["run-file-unremovable"] = {[](const std::string& folder) {
                                   fs::create_directories(folder + "/run/config.json.tmp/full");
                                   return train(tiny_spec(folder) + into_run(folder));
                                 },
                                 true};
  all["output-unwritable"] = {
      [](const std::string& folder) { return inspect(tiny_spec(folder)) + " >/dev/full"; }};
}

void add_usage(Triggers& all) {
  all["usage-flag"] = tiny("--no-such-flag");
  all["usage-value"] = tiny("--threads 5000");
  all["usage-no-spec"] = {[](const std::string&) { return train(""); }};
  all["usage-nothing-to-inspect"] = {[](const std::string&) { return inspect(""); }};
  all["usage-device"] = tiny("--device gpu");
  all["usage-pass"] = tiny("--disable-pass magic");
  all["device-unavailable"] = tiny("--device cuda:99");
  all["output-holds-a-run"] = after_a_run("", true);
  all["output-holds-newer"] = {[](const std::string& folder) {
                                 const std::string run =
                                     train(tiny_spec(folder) + into_run(folder));
                                 return run + " >/dev/null && " + run + " --resume " + folder +
                                        "/run/checkpoints/step_0000000005.safetensors";
                               },
                               true};
  all["output-in-use"] = {
      [](const std::string& folder) {
        const std::string run =
            train(tiny_spec(folder) + " --set training.epochs=1000000" + into_run(folder));
        return run + " & " + until_file(folder + "/run/metrics.jsonl") + run +
               "; code=$?; kill -KILL $!; exit $code";
      },
      true};
  all["output-name"] = {[](const std::string& folder) {
    return train(tiny_spec(folder) + " -q --output " + folder + "/$(printf 'a\\033b')");
  }};
}

void add_spec_form(Triggers& all) {
  all["set-form"] = with_set("training.epochs");
  all["set-path"] = with_set("name.first=1");
  all["set-key"] = with_set("training..epochs=3");
  all["set-value"] = with_set("model.dropout=1e999");
  all["spec-long"] = spec_text(std::string(std::size_t{20} << 20, ' '));
  all["spec-deep"] = spec_text(std::string(100000, '['));
  all["spec-duplicate-key"] = spec_text(R"({"name": "a", "name": "b"})");
  all["spec-number-range"] = spec_text(R"({"name": 1e999})");
  all["spec-nul"] = spec_text(R"({"name": "a\u0000b"})");
  all["spec-name"] = with_set("name=a/b");
  all["spec-json"] = spec_text("{\"model\": {");
  all["spec-not-an-object"] = with_set("model=[]");
  all["spec-missing-key"] = spec_text("{\"model\": {}, \"data\": {}}");
  all["spec-unknown-key"] = with_set("training.epoch=3");
  all["spec-integer"] = with_set("training.epochs=0");
  all["spec-number"] = with_set("model.dropout=1");
  all["spec-boolean"] = with_set("model.conv_bias=1");
  all["spec-string"] = with_set("name=1");
  all["spec-integers"] = with_set("model.blocks=[]");
  all["spec-numbers"] = with_set("data.mean=1");
  all["spec-choice"] = with_set("data.dataset=imagenet");
}

void add_spec_meaning(Triggers& all) {
  all["spec-preset-type"] = tiny("--set model.preset=densenet121 --set model.type=resnet");
  all["spec-even-kernel"] = with_set("model.stem.kernel=4");
  all["spec-list-length"] = spec_text(
      R"({"model": {"type": "resnet", "stages": [1, 1, 1, 1, 1, 1, 1, 1, 1]}, "data": {},
          "training": {}})");
  all["spec-depth"] = with_set("model.blocks=[1000, 1000]");
  all["spec-compression"] = with_set("model.compression=0.01");
  all["spec-nesterov"] =
      tiny("--set training.optimizer.nesterov=true --set training.optimizer.momentum=0");
  all["spec-budget"] = with_set("memory.budget=much");
  all["spec-budget-and-recompute"] = tiny("--set memory.budget=1GiB --set memory.recompute=1");
  all["spec-images-too-small"] = with_set("data.image_size=1");
  all["spec-impossible-shape"] =
      tiny("--set data.image_size=16384 --set data.synthetic.channels=4096");
  all["spec-expect-params"] = with_set("model.expect_params=7");
  all["spec-classes"] = on_files(write_good_data, 4);
  all["spec-channels"] = with_set("data.mean=[0.5]");
  all["spec-epochs-done"] = {
      [](const std::string& folder) {
        const std::string spec = tiny_spec(folder) + " --set training.schedule.type=constant";
        return train(spec + into_run(folder)) + " >/dev/null && " +
               train(spec + " --set training.epochs=1 --resume auto" + into_run(folder));
      },
      true};
  all["spec-synthetic"] = tiny(
      "--set data.synthetic.train_images=1000000000 --set data.synthetic.image_size=16384 "
      "--set data.synthetic.channels=1024");
}

void add_data(Triggers& all) {
  all["data-missing"] = on_files([](const std::string&) {});
  all["data-folder"] = on_files([](const std::string& data) {
    fs::remove(data);
    fs::create_symlink("data", data);  // which leads to itself
  });
  all["data-unreadable"] = on_files([](const std::string& data) {
    write_good_data(data);
    fs::create_directories(data + "/train-images-idx3-ubyte.gz");
  });
  all["data-damaged"] = on_files([](const std::string& data) {
    write_good_data(data);
    write(data + "/train-images-idx3-ubyte", "not an IDX file");
  });
  all["data-truncated"] = on_files([](const std::string& data) {
    write_good_data(data);
    fs::resize_file(data + "/train-images-idx3-ubyte", 1000);
  });
  all["data-counts"] = on_files([](const std::string& data) {
    write_good_data(data);
    write(data + "/train-labels-idx1-ubyte", idx(0x801, {3}, std::string(3, '\0')));
  });
  all["data-label"] = on_files([](const std::string& data) {
    write_good_data(data);
    write(data + "/train-labels-idx1-ubyte", idx(0x801, {4}, std::string(4, '\x0a')));
  });
  all["data-sizes"] = on_files([](const std::string& data) {
    write_split(data, "train", 4, 28, 28);
    write_split(data, "t10k", 4, 20, 20);
  });
}

void add_run(Triggers& all) {
  all["memory-budget"] = with_set("memory.budget=100KB");
  all["memory-plan"] = tiny(
      "--set data.synthetic.train_images=4000 --set training.batch_size=4000 "
      "--set data.image_size=2048");
  all["memory-data"] = tiny("--set data.synthetic.train_images=1000000000");
  all["memory-threads"] = limited("ulimit -v 3000000", "--threads 4096");
  all["diverged"] = tiny(
      "--set training.optimizer.learning_rate=1e6 --set training.schedule.type=constant "
      "--set data.synthetic.train_images=3200");
  const std::string no_brakes =
      "--set training.optimizer.momentum=0 --set training.optimizer.weight_decay=1000 "
      "--set training.schedule.type=constant ";
  all["diverged-test"] = tiny(no_brakes +
                              "--set training.epochs=9 --set data.synthetic.train_images=16 "
                              "--set training.optimizer.learning_rate=1e6");
  all["diverged-weights"] =
      tiny(no_brakes +
           "--set data.synthetic.train_images=48 --set training.optimizer.learning_rate=2e4 "
           "--set training.optimizer.weight_decay_scope=weights");
  all["weights-damaged"] = {[](const std::string& folder) {
    return train(tiny_spec(folder) + " --resume " +
                 write(folder + "/bad.safetensors", "not a checkpoint at all") + into_run(folder));
  }};
  all["checkpoint-damaged"] =
      on_changed_checkpoint("s/accrete.samples\":\"0/accrete.samples\":\"1/");
  all["checkpoint-no-checksums"] = on_changed_checkpoint("s/accrete.crc32c/accrete.crc32X/");
  all["checkpoints-all-damaged"] = {
      [](const std::string& folder) {
        const std::string run = train(tiny_spec(folder) + into_run(folder));
        return run + " >/dev/null && for file in " + folder +
               "/run/checkpoints/*; do truncate -s -1 $file; done; " + run + " --resume auto";
      },
      true};
  all["weights-other-spec"] = after_a_run("--resume auto --set training.seed=9", true);
  all["weights-other-model"] =
      after_a_run("--weights @/first/model.safetensors --set 'model.blocks=[2,3]'", false);
  all["weights-other-shape"] =
      after_a_run("--weights @/first/model.safetensors --set model.growth_rate=7", false);
  all["weights-only"] = after_a_run("--resume @/first/model.safetensors", false);
  all["weights-not-finite"] = {[](const std::string& folder) {
    // An array of one tensor of the run is overwritten, from its end, with bits of NaN.
    return train(tiny_spec(folder) + " -q --set training.epochs=1 --output " + folder + "/first") +
           " >/dev/null && head -c -64 " + folder + "/first/model.safetensors >" + folder +
           "/bad && head -c 64 /dev/zero | tr '\\0' '\\377' >>" + folder + "/bad && " +
           train(tiny_spec(folder) + " --weights " + folder + "/bad" + into_run(folder));
  }};
  all["weights-further-tensors"] = {[](const std::string& folder) {
    const std::string spec = tiny_spec(folder) + " -q --set training.epochs=1";
    return train(spec + " --set model.conv_bias=true --output " + folder + "/first") +
           " >/dev/null && " +
           train(spec + " --weights " + folder + "/first/model.safetensors --output " + folder +
                 "/run");
  }};
  for (const char* name : {"diverged", "diverged-test", "diverged-weights"}) {
    all[name].run_remains = true;
  }
  all["hung-up"] = signalled("HUP");
  all["user-signal"] = signalled("USR1");
  all["interrupted"] = signalled("INT");
  all["terminated"] = signalled("TERM");
}

}  // namespace

const std::map<std::string, Trigger>& error_triggers() {
  static const Triggers all = [] {
    Triggers triggers;
    add_files(triggers);
    add_usage(triggers);
    add_spec_form(triggers);
    add_spec_meaning(triggers);
    add_data(triggers);
    add_run(triggers);
    return triggers;
  }();
  return all;
}

}  // namespace accrete::test
