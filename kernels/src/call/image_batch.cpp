// SPDX-License-Identifier: Apache-2.0
// The call of image_batch.h.
#include "accrete/kernels/image_batch.h"

#include <string>

#include "call/run-inl.h"
#include "images/image_tables.h"

namespace accrete::kernels {

void require_options(const Stream& stream, const ImageBatch& call) {
  if (call.tables == nullptr || call.picks == nullptr) {
    fail(call.kName,
         std::string(call.tables == nullptr ? "tables" : "picks") + " is a null pointer");
  }
  require_aligned(call.kName, "tables", call.tables, kTablesAlignment);
  require_aligned(call.kName, "picks", call.picks, alignof(ImagePick));
  const std::int64_t images = call.set.pixels.shape.n;
  for (std::int64_t i = 0; stream.device().kind == DeviceKind::cpu && i < call.images.shape.n;
       ++i) {
    if (call.picks[i].image < 0 || call.picks[i].image >= images) {
      fail(call.kName, "pick " + std::to_string(i) + " asks for image " +
                           std::to_string(call.picks[i].image) + " of a set of " +
                           std::to_string(images));
    }
  }
}

Operands operands_of(const ImageBatch& call) {
  const ImageTransform& transform = call.transform;
  image_tables_bytes(transform);  // which it checks
  const std::int64_t M = call.set.pixels.shape.n;
  const Shape& images = call.images.shape;
  using Use = Operands::Use;
  return Operands(call.kName, call.images.dtype)
      .other("pixels", call.set.pixels, {M, transform.height, transform.width, transform.channels},
             DType::u8, Use::read, true)
      .other("set labels", call.set.labels, {M, 1, 1, 1}, DType::i32, Use::read, true)
      .writes("images", call.images, {images.n, images.h, images.w, transform.channels})
      .other("labels", call.labels, {images.n, 1, 1, 1}, DType::i32, Use::written, false);
}

ACCRETE_INSTANTIATE_CALL(ImageBatch)

}  // namespace accrete::kernels
