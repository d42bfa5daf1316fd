// SPDX-License-Identifier: Apache-2.0
// Batches from sets of bytes. Floor: the picked images read once (the four taps of a pixel hit in
// cache), the batch written once; when enlarging, the writing is nearly all.
#include "accrete/kernels/image_batch.h"

#include "cuda/row_access.cuh"
#include "images/image_tables.h"

namespace accrete::kernels::cuda {
namespace {

// Rounded after each step, as the CPU does.
__device__ __forceinline__ float between(float low, float high, float weight) {
  return __fadd_rn(low, __fmul_rn(weight, __fsub_rn(high, low)));
}

template <class T>
struct WritePixel {
  static constexpr int kWidth = 1;
  const std::uint8_t* pixels;
  ImageTables tables;
  const ImagePick* picks;
  std::int32_t height, width, channels;
  std::int32_t resized_height, resized_width;
  std::int32_t batch_height, batch_width;
  Rows<T> images;

  __device__ __forceinline__ float normalised(const std::uint8_t* image, std::int32_t row,
                                              std::int32_t column, std::int32_t c) const {
    return tables.values[c * 256 + image[(row * width + column) * channels + c]];
  }

  __device__ void operator()(std::int64_t pixel, std::int64_t channel) const {
    const auto c = static_cast<std::int32_t>(channel);
    const auto x = static_cast<std::int32_t>(pixel % batch_width);
    const std::int64_t line = pixel / batch_width;
    const ImagePick pick = picks[line / batch_height];
    const std::int32_t y = pick.top + static_cast<std::int32_t>(line % batch_height);
    const std::int32_t across = pick.left + (pick.flip != 0 ? batch_width - 1 - x : x);
    float value = 0.0F;
    if (y >= 0 && y < resized_height && across >= 0 && across < resized_width) {
      const std::uint8_t* image =
          pixels + static_cast<std::int64_t>(pick.image) * height * width * channels;
      const AxisTap row = tables.rows[y];
      const AxisTap column = tables.columns[across];
      const float upper = between(normalised(image, row.low, column.low, c),
                                  normalised(image, row.low, column.high, c), column.weight);
      const float lower = between(normalised(image, row.high, column.low, c),
                                  normalised(image, row.high, column.high, c), column.weight);
      value = between(upper, lower, row.weight);
    }
    *images.at(pixel, channel) = from_float<T>(value);
  }
};

struct WriteLabel {
  static constexpr int kWidth = 1;
  const std::int32_t* from;
  const ImagePick* picks;
  std::int32_t* labels;
  std::int64_t pitch;

  __device__ void operator()(std::int64_t i, std::int64_t /*channel*/) const {
    labels[i * pitch] = from[picks[i].image];
  }
};

template <class T>
WritePixel<T> write_pixel(const ImageBatch& call) {
  const ImageTransform& transform = call.transform;
  const auto extent = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  return {call.set.pixels.u8(),
          ImageTables(transform, call.tables),
          call.picks,
          extent(transform.height),
          extent(transform.width),
          extent(transform.channels),
          extent(transform.resized_height),
          extent(transform.resized_width),
          extent(call.images.shape.h),
          extent(call.images.shape.w),
          Rows<T>(call.images)};
}

}  // namespace

const char* run(const Stream& stream, const ImageBatch& call, const Workspace& /*workspace*/) {
  with_packs(call.images.dtype, false, [&]<class T, int V>() {
    launch_packs(stream, call.kName, write_pixel<T>(call), call.images.shape.pixels(),
                 call.images.shape.c);
  });
  const WriteLabel labels{call.set.labels.i32(), call.picks, call.labels.i32(), call.labels.pitch};
  launch_packs(stream, call.kName, labels, call.images.shape.n, 1);
  return "pixels";
}

}  // namespace accrete::kernels::cuda
