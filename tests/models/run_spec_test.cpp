// SPDX-License-Identifier: Apache-2.0
// Specs: what is read, and the message for each thing that is not.
#include "accrete/models/run_spec.h"

#include "accrete/kernels/error.h"
#include "support/catch.h"

namespace accrete::models {
namespace {

using Catch::Matchers::Contains;

const char* kSmall = R"({
  // comments are allowed
  "name": "small",
  "model": {"type": "densenet", "preset": "d2l", "growth_rate": 8},
  "data": {"dataset": "synthetic", "image_size": 32},
  "training": {"epochs": 2, "batch_size": 16, "optimizer": {"type": "adam"}}
})";

const char* kResNet = R"({
  "model": {"preset": "resnet18", "width": 16, "num_classes": 10},
  "data": {"dataset": "synthetic"},
  "training": {}
})";

RunSpec parse(const std::string& text, const std::vector<SpecOverride>& overrides = {}) {
  return parse_run_spec(text, "small.json", overrides);
}

RunSpec with(const std::string& assignment) {
  return parse(kSmall, {parse_override(assignment)});
}

std::string error_of(const std::string& assignment) {
  try {
    with(assignment);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::spec);
    return error.what();
  }
  FAIL("no error for " << assignment);
  return {};
}

}  // namespace

TEST_CASE("a preset is a starting point that other keys change") {
  const RunSpec spec = parse(kSmall);
  CHECK(spec.name == "small");
  CHECK(spec.model.densenet.growth_rate == 8);
  CHECK(spec.model.densenet.conv_bias);
  CHECK(spec.model.densenet.blocks == std::vector<std::int64_t>{4, 4, 4, 4});
  CHECK(spec.training.optimizer.kind == OptimizerKind::adam);
  CHECK(spec.training.epochs == 2);
}

TEST_CASE("a preset says what family a model is of") {
  const RunSpec spec = parse(kResNet);
  CHECK(spec.model.family == Family::resnet);
  CHECK(spec.model.resnet.width == 16);
  CHECK(network_of(spec.model).num_classes == 10);
  CHECK(resolved_spec(parse(resolved_spec(spec))) == resolved_spec(spec));
  CHECK_THAT(error_of("model.type=resnet"),
             Contains("/model/type must be \"densenet\", the type of the preset d2l"));
  CHECK_THAT(error_of("model.stages=[2]"), Contains("/model/stages"));
  CHECK_THAT(error_of("model.preset=resnet18"), Contains("/model/type must be \"resnet\""));
  CHECK_THROWS_WITH(parse(kResNet, {parse_override("model.blocks=[2]")}),
                    Contains("/model/blocks"));
  CHECK_THROWS_WITH(parse(kResNet, {parse_override("model.stages=[1,1,1,1,1,1,1,1,1]")}),
                    Contains("/model/stages must be 8 stages at most"));
}

TEST_CASE("overrides set existing and new keys, as JSON or as bare words") {
  CHECK(with("training.epochs=7").training.epochs == 7);
  CHECK(with("name=other").name == "other");
  CHECK(with("model.stem.max_pool=false").model.densenet.stem.max_pool == false);
  CHECK(with("model.blocks=[2,3]").model.densenet.blocks == std::vector<std::int64_t>{2, 3});
  CHECK(with("checkpoint.keep=5").checkpoint.keep == 5);
  CHECK(with("checkpoint.keep=0").checkpoint.keep == 0);
  CHECK(with("checkpoint.best=test_acc").checkpoint.best == Metric::test_acc);
  CHECK(parse(kSmall).checkpoint.best == Metric::none);
  CHECK_THAT(error_of("checkpoint.best=accuracy"), Contains("test_loss, test_acc, found"));
  CHECK_THROWS_WITH(parse_override("training.epochs"), Contains("KEY=VALUE"));
  CHECK_THAT(error_of("training.epochs.x=1"), Contains("training.epochs"));
}

TEST_CASE("an unknown key names its place and the nearest key") {
  CHECK_THAT(error_of("training.epoch=3"),
             Contains("small.json: /training/epoch") && Contains("did you mean 'epochs'"));
  CHECK_THAT(error_of("model.grwoth_rate=3"), Contains("'growth_rate'"));
  CHECK_THAT(error_of("model.stem.kernal=3"), Contains("/model/stem/kernal"));
  CHECK_THAT(error_of("modle={}"), Contains("/modle") && Contains("'model'"));
  CHECK_THAT(error_of("training.optimizer.nesterov=true"),
             Contains("/training/optimizer/nesterov"));
}

TEST_CASE("a wrong type or an impossible value says what is allowed and what was found") {
  CHECK_THAT(error_of("training.epochs=0"), Contains("from 1 to") && Contains("found 0"));
  CHECK_THAT(error_of("training.epochs=2.5"), Contains("whole number") && Contains("2.5"));
  CHECK_THAT(error_of("training.epochs=many"), Contains("\"many\""));
  CHECK_THAT(error_of("training.seed=-1"), Contains("/training/seed"));
  CHECK_THAT(error_of("model.compression=1.5"), Contains("from 0.01 to 1.0"));
  CHECK_THAT(error_of("model.blocks=[]"), Contains("list of whole numbers"));
  CHECK_THAT(error_of("model.blocks=[3,0]"), Contains("[3,0]"));
  CHECK_THAT(error_of("model.conv_bias=1"), Contains("true or false"));
  CHECK_THAT(error_of("model.preset=densenet122"), Contains("densenet121"));
  CHECK_THAT(error_of("model.transition_pool=median"), Contains("average, max"));
  CHECK_THAT(error_of("model.stem.kernel=4"), Contains("odd"));
  CHECK_THAT(error_of("data.dataset=mnist"), Contains("fashion_mnist, synthetic"));
  CHECK_THAT(error_of("data.std=[0]"), Contains("/data/std"));
  CHECK_THAT(error_of("training.optimizer=sgd"), Contains("must be an object"));
  CHECK_THAT(error_of(R"(training.optimizer={"nesterov":true})"), Contains("momentum above 0"));
  CHECK_THAT(error_of("training.batch_size=99999999999999999999"),
             Contains("/training/batch_size"));
}

TEST_CASE("memory is a recompute level or a budget with a unit") {
  CHECK(with("memory.recompute=1").memory.recompute == 1);
  CHECK(with("memory.budget=4GiB").memory.budget_bytes == std::int64_t{4} << 30);
  CHECK(with("memory.budget=800 MB").memory.budget_bytes == 800'000'000);
  for (const char* bad : {"memory.budget=4", "memory.budget=GiB", "memory.budget=-1GiB",
                          "memory.budget=4Gib", "memory.budget=1e30TB"}) {
    INFO(bad);
    CHECK_THAT(error_of(bad), Contains("/memory/budget"));
  }
  CHECK_THAT(error_of("memory.recompute=3"), Contains("from 0 to 2"));
  CHECK_THAT(error_of(R"(memory={"recompute":1,"budget":"4GiB"})"), Contains("one of the two"));
}

TEST_CASE("what is missing or no JSON is said") {
  CHECK_THROWS_WITH(parse(R"({"model": {}, "training": {}})"),
                    Contains("/data") && Contains("missing"));
  CHECK_THROWS_WITH(parse("{,}"), Contains("small.json") && Contains("not valid JSON"));
  CHECK_THROWS_WITH(parse("[]"), Contains("must be an object"));
  CHECK_THROWS_WITH(load_run_spec("no/such/spec.json"), Contains("no/such/spec.json"));
}

TEST_CASE("the resolved spec reads back as the same run") {
  for (const char* extra : {"name=a", "training.schedule.type=one_cycle",
                            "training.schedule.type=step", "training.schedule.type=cosine",
                            "model.dropout=0.25", "memory.recompute=2", "memory.budget=1.5GiB",
                            "training.precision=bf16", "training.freeze_batch_norm_statistics=true",
                            R"(data.augmentation={"crop_padding":4,"horizontal_flip":true})"}) {
    const RunSpec spec = with(extra);
    const std::string text = resolved_spec(spec);
    INFO(text);
    CHECK(resolved_spec(parse(text)) == text);
    CHECK(spec_fingerprint(parse(text)) == spec_fingerprint(spec));
  }
}

TEST_CASE("the fingerprint sees what changes the numbers and nothing else") {
  const std::string base = spec_fingerprint(parse(kSmall));
  CHECK(spec_fingerprint(with("training.seed=1")) != base);
  CHECK(spec_fingerprint(with("model.dropout=0.1")) != base);
  CHECK(spec_fingerprint(with("training.optimizer.learning_rate=0.2")) != base);
  CHECK(spec_fingerprint(with("training.freeze_batch_norm_statistics=true")) != base);
  CHECK(spec_fingerprint(with("name=other")) == base);
  CHECK(spec_fingerprint(with("training.epochs=9")) == base);
  CHECK(spec_fingerprint(parse(kSmall, {parse_override("training.schedule.type=cosine")})) !=
        spec_fingerprint(parse(kSmall, {parse_override("training.schedule.type=cosine"),
                                        parse_override("training.epochs=9")})));
  CHECK(spec_fingerprint(with("checkpoint.keep=9")) == base);
  CHECK(spec_fingerprint(with("checkpoint.best=test_loss")) == base);
  CHECK(spec_fingerprint(with("memory.recompute=1")) == base);
  CHECK(spec_fingerprint(with("model.expect_params=7")) == base);
  CHECK(spec_fingerprint(with("data.path=/elsewhere")) == base);
}

TEST_CASE("every spec of the repository is valid and has the parameters it expects") {
  for (const char* name : {"quickstart", "fashion_mnist_d2l", "fashion_mnist_resnet18"}) {
    const RunSpec spec = load_run_spec(std::string(SPEC_FOLDER) + "/" + name + ".json");
    INFO(name);
    CHECK(spec.name == name);
    const std::int64_t size = spec.data.image_size > 0 ? spec.data.image_size : 28;
    const ModelGraph model = build_model(spec.model, {1, size, size, 1}, false);
    CHECK(ParameterStore(model.graph).num_parameters() == spec.model.expect_params);
    CHECK(spec.model.expect_params > 0);
  }
}

}  // namespace accrete::models
