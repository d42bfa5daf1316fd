// SPDX-License-Identifier: Apache-2.0
#include "accrete/kernels/elementwise.h"

#include "kernels/every_run.h"
#include "support/random_fill.h"

using namespace accrete;
using namespace accrete::test;

TEST_CASE("copy overwrites and accumulates") {
  for (const Shape& shape : row_shapes()) {
    INFO("shape " << to_string(shape));
    const auto x = integers(shape.elements(), 1, 1000);
    const auto before = integers(shape.elements(), 2, 1000);
    expect_every_run(
        {{widened(x), {}}, {plus(widened(x), before), {}}}, [&](const Run& run) -> Outputs {
          const GuardedTensor src = filled(shape, run.in, x);
          GuardedTensor copied = poisoned(shape, run.out);
          GuardedTensor added = filled(shape, run.out, before);
          run_call(run.stream, kernels::Copy{src.view(), copied.view()});
          run_call(run.stream, kernels::Copy{src.view(), added.view(), GradMode::accumulate});
          require_undamaged({&src, &copied, &added});
          return {copied.values(), added.values()};
        });
  }
}

TEST_CASE("add writes elsewhere or onto either operand") {
  for (const Shape& shape : row_shapes()) {
    INFO("shape " << to_string(shape));
    const auto a = integers(shape.elements(), 1, 1000);
    const auto b = integers(shape.elements(), 2, 1000);
    const Expected sum = {plus(widened(a), b), {}};
    expect_every_run({sum, sum, sum}, [&](const Run& run) -> Outputs {
      GuardedTensor left = filled(shape, run.in, a);
      GuardedTensor right = filled(shape, run.out, b);
      GuardedTensor onto_left = filled(shape, run.out, a);
      GuardedTensor y = poisoned(shape, run.in);
      run_call(run.stream, kernels::Add{left.view(), right.view(), y.view()});
      run_call(run.stream, kernels::Add{onto_left.view(), right.view(), onto_left.view()});
      run_call(run.stream, kernels::Add{left.view(), right.view(), right.view()});
      require_undamaged({&left, &right, &onto_left, &y});
      return {y.values(), onto_left.values(), right.values()};
    });
  }
}

TEST_CASE("fill sets every element and nothing else") {
  for (const Shape& shape : row_shapes()) {
    INFO("shape " << to_string(shape));
    const std::vector<double> expected(static_cast<std::size_t>(shape.elements()), -2.5);
    expect_every_run({{expected, {}}}, [&](const Run& run) -> Outputs {
      GuardedTensor dst = poisoned(shape, run.out);
      run_call(run.stream, kernels::Fill{dst.view(), -2.5F});
      require_undamaged({&dst});
      return {dst.values()};
    });
  }
}

TEST_CASE("elementwise errors name the op and both shapes") {
  const auto error = [](const auto& call) {
    return error_of([&] { kernels::run(test_stream(0), call); });
  };
  GuardedTensor a({2, 3, 3, 8});
  GuardedTensor b({2, 3, 4, 8});
  GuardedTensor labels({2, 3, 3, 8}, {}, DType::i32);
  CHECK(error(kernels::Copy{a.view(), b.view()}) == "[copy] dst is [2,3,4,8], expected [2,3,3,8]");
  CHECK(error(kernels::Add{a.view(), b.view(), a.view()}) ==
        "[add] b is [2,3,4,8], expected [2,3,3,8]");
  CHECK_THAT(error(kernels::Fill{labels.view()}),
             Catch::Matchers::Contains("[fill] has no kernel for i32"));
  TensorView narrow = a.view();
  narrow.pitch = 7;
  CHECK(error(kernels::Fill{narrow}) ==
        "[fill] dst [2,3,3,8] has pitch 7, which is less than its channels");
}
