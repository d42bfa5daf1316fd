// SPDX-License-Identifier: Apache-2.0
// Linear layers on a stream with a cuBLAS handle, which only a runtime of a GPU has. Sums of whole
// numbers are exact in f32 and in tf32, whichever way cuBLAS takes.
#include "cuda/test_runtime.h"
#include "kernels/conv_case.h"
#include "kernels/conv_problems.h"

using namespace accrete;
using namespace accrete::test;

TEST_CASE("linear layers on cuBLAS match the definition") {
  const auto runtime = make_test_runtime();
  REQUIRE(runtime->stream().blas() != nullptr);
  for (const FloatMath math : {FloatMath::strict, FloatMath::tf32}) {
    const Stream stream = runtime->stream().with_float_math(math);
    for (const ConvProblem& problem : linear_problems()) {
      for (const Layout& layout : layouts()) {
        INFO("N " << problem.N << ", C " << problem.C << ", K " << problem.K << ", offset "
                  << layout.offset << ", math " << static_cast<int>(math));
        const ConvCase data(problem);
        check_outputs(plain_outputs(data, {stream, layout, layouts()[1], DType::f32}),
                      expected_plain(data));
      }
    }
  }
}
