// SPDX-License-Identifier: Apache-2.0
// The inspect program on the seed spec.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>

#include "apps/command.h"
#include "support/catch.h"
#include "support/idx_content.h"

namespace accrete::test {

using Catch::Matchers::Contains;

TEST_CASE("inspect shows layers, parameters, work and memory of the d2l net") {
  const CommandResult result =
      run_command(inspect(std::string(SPEC_FOLDER) + "/fashion_mnist_d2l.json --budget 1024"));
  INFO(result.output);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.output, Contains("758,226") && Contains("(129.08 M)") &&
                                Contains("features.denseblock4.denselayer4.conv1") &&
                                Contains("[1,3,3,248]") && Contains("feature buffers") &&
                                Contains("largest batch in 1024 MiB"));
  CHECK_THAT(result.output, Contains("29 x 29"));
}

TEST_CASE("without placement the plan of a dense net is larger") {
  const auto peak = [](const std::string& arguments) {
    const CommandResult result =
        run_command(inspect(std::string(SPEC_FOLDER) + "/fashion_mnist_d2l.json" + arguments));
    std::smatch match;
    REQUIRE(std::regex_search(result.output, match, std::regex(R"(peak +(\d+\.\d))")));
    return std::stod(match[1]);
  };
  CHECK(peak(" --disable-pass placement") > 1.2 * peak(""));
  CHECK(peak(" --batch 512") > 1.8 * peak(" --batch 256"));
}

TEST_CASE("a batch larger than the training set is planned as it will run") {
  const std::string spec = tiny_spec(fresh_folder("small_set"));  // 70 training images
  const CommandResult larger = run_command(inspect(spec + " --batch 512"));
  INFO(larger.output);
  REQUIRE(larger.exit_code == 0);
  CHECK_THAT(larger.output,
             Contains("memory plan for batch 70,") && Contains("a batch holds 70 images at most"));
  const CommandResult fitting = run_command(inspect(spec + " --batch 70"));
  CHECK_THAT(fitting.output, Contains("memory plan for batch 70,") && !Contains("at most"));
  const CommandResult enough =
      run_command(inspect(spec + " --batch 512 --set data.synthetic.train_images=5120"));
  CHECK_THAT(enough.output, Contains("memory plan for batch 512,") && !Contains("at most"));
  CHECK_THAT(run_command(inspect(spec + " --batch 512 --graph text")).output,
             Contains("[70,12,12,2]"));
}

TEST_CASE("sizes of batch and budget that cannot be are refused") {
  const std::string spec = tiny_spec(fresh_folder("sizes"));
  for (const char* flags : {" --batch 0", " --batch -3", " --batch 9223372036854775807",
                            " --batch 99999999999999999999", " --budget 0",
                            " --budget 9223372036854775807", " --budget 1e30"}) {
    INFO(flags);
    CHECK(run_command(inspect(spec + flags)).exit_code == 2);
  }
}

TEST_CASE("images are planned as their files have them") {
  const std::string folder = fresh_folder("files");
  const std::string spec = tiny_spec(folder) +
                           " --set data.dataset=fashion_mnist --set model.num_classes=10"
                           " --set data.path=" +
                           folder;
  write_split(folder, "train", 3, 64, 48);
  write_split(folder, "t10k", 2, 64, 48);
  const CommandResult found = run_command(inspect(spec + " --batch 2"));
  INFO(found.output);
  REQUIRE(found.exit_code == 0);
  CHECK_THAT(found.output, Contains("[1,64,48,8]") && Contains("memory plan for batch 2,"));
  write_split(folder, "t10k", 2, 4, 48);
  const CommandResult differing = run_command(inspect(spec));
  CHECK(differing.exit_code == 3);
  CHECK_THAT(differing.output, Contains("64x48") && Contains("4x48"));
  CHECK(run_command(inspect(spec + " --set data.image_size=16")).exit_code == 0);
  CHECK(run_command(inspect(spec + "/none")).exit_code == 3);
}

TEST_CASE("a data set that is not there is planned as it was published") {
  const std::string folder = fresh_folder("absent");
  const CommandResult result = run_command("cd " + folder + " && ACCRETE_DATA=$PWD " +
                                           inspect(std::string(SPEC_FOLDER) + "/quickstart.json"));
  CHECK(result.exit_code == 0);
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    CHECK_THAT(result.output, Contains("as it was published"));
  }
}

TEST_CASE("inspect lists the passes and refuses what train refuses") {
  CHECK_THAT(run_command(inspect("--passes")).output, Contains("placement"));
  CHECK(run_command(inspect("--disable-pass x a.json")).exit_code == 2);
  CHECK(run_command(inspect("absent.json")).exit_code == 1);
  CHECK(run_command(inspect("")).exit_code == 2);
}

TEST_CASE("inspect prints the graph before the passes and the step after them") {
  const std::string spec = std::string(SPEC_FOLDER) + "/quickstart.json";
  const CommandResult text = run_command(inspect(spec + " --graph text"));
  INFO(text.output);
  REQUIRE(text.exit_code == 0);
  const std::size_t step = text.output.find("\npasses\n");
  REQUIRE(step != std::string::npos);
  const std::string before = text.output.substr(0, step);
  const std::string after = text.output.substr(step);
  CHECK_THAT(before, Contains("batch_norm_training") && Contains("relu_forward"));
  CHECK_THAT(before, !Contains("statistics"));
  CHECK_THAT(after, Contains("norm_relu+conv_forward+statistics"));
  CHECK_THAT(after, !Contains("batch_norm_training"));
  const CommandResult dot = run_command(inspect(spec + " --graph dot"));
  CHECK(dot.exit_code == 0);
  CHECK(dot.output.find("digraph \"before the passes\" {") == 0);
  CHECK(run_command(inspect(spec + " --graph png")).exit_code == 2);
}

TEST_CASE("inspect writes the graphs for programs, with what the plan knows of each call") {
  const std::string spec = std::string(SPEC_FOLDER) + "/quickstart.json --device cuda";
  const CommandResult text = run_command(inspect(spec + " --graph text"));
  const CommandResult json = run_command(inspect(spec + " --graph json"));
  REQUIRE(json.exit_code == 0);
  const nlohmann::json document = nlohmann::json::parse(json.output);
  CHECK(document["format"] == "accrete graph");
  CHECK(document["device"] == "cuda");
  const nlohmann::json& step = document["step"];
  const std::string nodes = std::to_string(step["nodes"].size()) + " nodes";
  CHECK_THAT(text.output, Contains("\nstep: " + nodes));
  CHECK_THAT(text.output, Contains("forward graph before the passes: " +
                                   std::to_string(document["forward"]["nodes"].size()) + " nodes"));
  std::int64_t bytes = 0;
  bool paired = false;
  for (const nlohmann::json& node : step["nodes"]) {
    bytes += node["bytes_moved"].get<std::int64_t>();
    CHECK((!node.contains("free") || node["bytes_moved"] == 0));
    if (node["op"] == "deferred+conv_backward+norm_relu") {
      paired = true;
      CHECK(node["macs"] > 0);
      CHECK(node["workspace_bytes"] > 0);
      const nlohmann::json& x = step["values"].at(node["inputs"].at(7).get<std::size_t>());
      CHECK(x["kind"] == "intermediate");
      CHECK(x["shape"].at(0) == 128);
      CHECK(x["pitch"] >= x["shape"].at(3));
    }
  }
  CHECK(paired);
  CHECK(step["bytes_moved"] == bytes);
  CHECK_THAT(run_command(inspect(spec)).output, !Contains("{"));
}

TEST_CASE("inspect shows what the passes do with a residual net, and why not more") {
  const std::string spec = std::string(SPEC_FOLDER) + "/fashion_mnist_resnet18.json";
  const CommandResult layers = run_command(inspect(spec));
  INFO(layers.output);
  REQUIRE(layers.exit_code == 0);
  CHECK_THAT(layers.output, Contains("11,178,378") && Contains("(318.66 M)") &&
                                Contains("layer2.0.downsample.0") && Contains("1 x 1"));
  CHECK_THAT(run_command(inspect(spec + " --graph text")).output,
             Contains("norm_relu+conv_forward+statistics") &&
                 Contains("layer1.0.bn2: makes passes of its own, no ReLU follows it") &&
                 Contains("layer1.0.relu: makes a pass of its own, it follows add"));
}

TEST_CASE("a step with frozen statistics is shown without any") {
  const CommandResult text =
      run_command(inspect(std::string(SPEC_FOLDER) + "/quickstart.json --graph text " +
                          "--set training.freeze_batch_norm_statistics=true"));
  REQUIRE(text.exit_code == 0);
  const std::string step = text.output.substr(text.output.find("\nstep: "));
  CHECK_THAT(step, Contains("norm_relu+conv_forward") && Contains("conv_dgrad+norm_relu") &&
                       Contains("inverse_deviation"));
  CHECK_THAT(step, !Contains("statistics") && !Contains("deferred"));
}

TEST_CASE("recomputing shrinks the plan") {
  const auto total = [](const std::string& level) {
    const CommandResult result = run_command(
        inspect(std::string(SPEC_FOLDER) + "/quickstart.json --set memory.recompute=" + level));
    std::smatch match;
    REQUIRE(std::regex_search(result.output, match, std::regex(R"(peak +(\d+\.\d))")));
    return std::stod(match[1]);
  };
  CHECK(total("1") < 0.8 * total("0"));
  CHECK(total("2") <= 1.05 * total("1"));  // no less here, and gaps may differ
}

TEST_CASE("a plan in bf16 takes little more than half, on every device") {
  const auto peak = [](const std::string& arguments) {
    const CommandResult result =
        run_command(inspect(std::string(SPEC_FOLDER) + "/quickstart.json" + arguments));
    std::smatch match;
    REQUIRE(std::regex_search(result.output, match, std::regex(R"(peak +(\d+\.\d))")));
    return std::stod(match[1]);
  };
  for (const std::string device : {"cpu", "cuda"}) {
    INFO(device);
    const std::string arguments = " --device " + device;
    CHECK(peak(arguments + " --set training.precision=bf16") < 0.65 * peak(arguments));
  }
}

}  // namespace accrete::test
