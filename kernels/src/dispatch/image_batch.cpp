// SPDX-License-Identifier: Apache-2.0
// Entry point of image_batch.h.
#include "accrete/kernels/image_batch.h"

#include <string>

#include "cpu/image_batch.h"
#include "dispatch/check.h"
#include "dispatch/cuda_backend.h"
#include "image_tables.h"

namespace accrete::kernels {
namespace {

constexpr const char* kOp = "image_batch";

void require_picks(const ImagePick* picks, std::int64_t count, std::int64_t images) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (picks[i].image < 0 || picks[i].image >= images) {
      fail(kOp, "pick " + std::to_string(i) + " asks for image " + std::to_string(picks[i].image) +
                    " of a set of " + std::to_string(images));
    }
  }
}

void require_call(const Stream& stream, const ImageTransform& transform, const void* tables,
                  const ImageSet& set, const ImagePick* picks, const TensorView& images,
                  const TensorView& labels) {
  image_tables_bytes(transform);  // which it checks
  const std::int64_t M = set.pixels.shape.n;
  const std::int64_t N = images.shape.n;
  require_packed(kOp, stream, "pixels", set.pixels,
                 {M, transform.height, transform.width, transform.channels}, DType::u8);
  require_packed(kOp, stream, "set labels", set.labels, {M, 1, 1, 1}, DType::i32);
  require_activation(kOp, stream, "images", images);
  require_tensor(kOp, stream, "images", images,
                 {N, images.shape.h, images.shape.w, transform.channels}, images.dtype);
  require_tensor(kOp, stream, "labels", labels, {N, 1, 1, 1}, DType::i32);
  if (tables == nullptr || picks == nullptr) {
    fail(kOp, std::string(tables == nullptr ? "tables" : "picks") + " is a null pointer");
  }
  require_aligned(kOp, "tables", tables, kTablesAlignment);
  require_aligned(kOp, "picks", picks, alignof(ImagePick));
  Overlaps(kOp)
      .writes("images", images)
      .writes("labels", labels)
      .reads("pixels", set.pixels)
      .reads("set labels", set.labels)
      .require_none();
}

}  // namespace

void image_batch(const Stream& stream, const ImageTransform& transform, const void* tables,
                 const ImageSet& set, const ImagePick* picks, TensorView images,
                 TensorView labels) {
  require_call(stream, transform, tables, set, picks, images, labels);
  if (const CudaBackend* gpu = stream.cuda_backend()) {
    gpu->image_batch(stream, transform, tables, set, picks, images, labels);
    return;
  }
  require_picks(picks, images.shape.n, set.pixels.shape.n);
  cpu::image_batch(stream.pool(), transform, tables, set, picks, images, labels);
}

}  // namespace accrete::kernels
