// SPDX-License-Identifier: Apache-2.0
// A task per image of the batch.
#include "accrete/kernels/image_batch.h"

#include "cpu/row_tiles.h"
#include "images/image_tables.h"

namespace accrete::kernels::cpu {
namespace {

// One image of the set, read at positions of its resized form.
struct ResizedImage {
  const std::uint8_t* pixels;
  std::int64_t width, channels;
  const ImageTables& tables;

  float normalised(std::int64_t row, std::int64_t column, std::int64_t c) const {
    return tables.values[c * 256 + pixels[(row * width + column) * channels + c]];
  }
  float at(const AxisTap& row, const AxisTap& column, std::int64_t c) const {
    const float upper_left = normalised(row.low, column.low, c);
    const float lower_left = normalised(row.high, column.low, c);
    const float upper =
        upper_left + column.weight * (normalised(row.low, column.high, c) - upper_left);
    const float lower =
        lower_left + column.weight * (normalised(row.high, column.high, c) - lower_left);
    return upper + row.weight * (lower - upper);
  }
};

bool inside(std::int64_t position, std::int64_t extent) {
  return position >= 0 && position < extent;
}

template <class T>
void write_row(const ImageTransform& transform, const ResizedImage& image, const ImagePick& pick,
               std::int64_t y, const Rows<T>& out, std::int64_t first_pixel, std::int64_t width) {
  for (std::int64_t x = 0; x < width; ++x) {
    const std::int64_t column = pick.left + (pick.flip != 0 ? width - 1 - x : x);
    const bool in_image =
        inside(y, transform.resized_height) && inside(column, transform.resized_width);
    for (std::int64_t c = 0; c < transform.channels; ++c) {
      *out.at(first_pixel + x, c) = from_float<T>(
          in_image ? image.at(image.tables.rows[y], image.tables.columns[column], c) : 0.0F);
    }
  }
}

template <class T>
void write_image(const ImageTransform& transform, const ResizedImage& image, const ImagePick& pick,
                 std::int64_t i, const TensorView& images) {
  const Rows<T> out(images);
  for (std::int64_t p = 0; p < images.shape.h; ++p) {
    const std::int64_t first_pixel = (i * images.shape.h + p) * images.shape.w;
    write_row(transform, image, pick, pick.top + p, out, first_pixel, images.shape.w);
  }
}

}  // namespace

const char* run(const Stream& stream, const ImageBatch& call, const Workspace& /*workspace*/) {
  const ImageTransform& transform = call.transform;
  const ImageTables tables(transform, call.tables);
  const std::int64_t image_bytes = transform.height * transform.width * transform.channels;
  stream.pool().parallel_for(call.images.shape.n, [&](std::int64_t i) {
    const ImagePick& pick = call.picks[i];
    const ResizedImage image{call.set.pixels.u8() + pick.image * image_bytes, transform.width,
                             transform.channels, tables};
    with_element(call.images.dtype,
                 [&]<class T>() { write_image<T>(transform, image, pick, i, call.images); });
    call.labels.i32()[i * call.labels.pitch] = call.set.labels.i32()[pick.image];
  });
  return "images";
}

}  // namespace accrete::kernels::cpu
