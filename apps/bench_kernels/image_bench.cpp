// SPDX-License-Identifier: Apache-2.0
// Batches from a small set of images: enlarged for the chapter's net, cropped for DenseNet-121,
// half of them mirrored.
#include "accrete/kernels/image_batch.h"
#include "families.h"

namespace accrete::bench {
namespace {

constexpr std::int64_t kSetSize = 256;

std::vector<kernels::ImagePick> picks_of(const ImageShape& shape) {
  std::vector<kernels::ImagePick> picks(static_cast<std::size_t>(shape.N));
  const std::int64_t slack = shape.resized - shape.window + 1;
  for (std::size_t i = 0; i < picks.size(); ++i) {
    const auto n = static_cast<std::int64_t>(i);
    picks[i] = {static_cast<std::int32_t>(97 * n % kSetSize),
                static_cast<std::int32_t>(5 * n % slack), static_cast<std::int32_t>(3 * n % slack),
                static_cast<std::int32_t>(n % 2)};
  }
  return picks;
}

void* tables_of(Workbench& bench, const kernels::ImageTransform& transform) {
  std::vector<double> tables(kernels::image_tables_bytes(transform) / sizeof(double) + 1);
  kernels::make_image_tables(transform, tables.data());
  return bench.copy_of(tables.data(), tables.size() * sizeof(double));
}

Work prepare(Workbench& bench, const ImageShape& shape) {
  kernels::ImageTransform transform;
  transform.height = transform.width = shape.stored;
  transform.resized_height = transform.resized_width = shape.resized;
  transform.channels = shape.channels;
  transform.mean.assign(static_cast<std::size_t>(shape.channels), 0.5);
  transform.std.assign(static_cast<std::size_t>(shape.channels), 0.25);
  const void* tables = tables_of(bench, transform);

  const kernels::ImageSet set{
      bench.zeros({kSetSize, shape.stored, shape.stored, shape.channels}, DType::u8),
      bench.labels(kSetSize, 10)};
  const std::vector<kernels::ImagePick> host_picks = picks_of(shape);
  const auto* picks = static_cast<const kernels::ImagePick*>(
      bench.copy_of(host_picks.data(), host_picks.size() * sizeof(kernels::ImagePick)));
  const TensorView images = bench.tensor({shape.N, shape.window, shape.window, shape.channels});
  const TensorView labels = bench.labels(shape.N, 10);

  // Of the set, what is picked: a window's share of each image.
  const double share = static_cast<double>(shape.window * shape.window) /
                       static_cast<double>(shape.resized * shape.resized);
  const double read =
      share * static_cast<double>(shape.N) / static_cast<double>(kSetSize) * bytes_of({set.pixels});
  return own_work(
      [=, stream = bench.stream()] {
        return kernels::run(stream,
                            kernels::ImageBatch{transform, tables, set, picks, images, labels});
      },
      0.0, read + bytes_of({images, labels}));
}

}  // namespace

BenchCases image_cases(const BenchSetting& setting) {
  BenchCases cases;
  for (const ImageShape& shape : image_shapes(setting.batches)) {
    for (const Arithmetic arithmetic : setting.others()) {
      cases.push_back({"image_batch/" + shape.name, arithmetic, "",
                       [shape](Workbench& bench) { return prepare(bench, shape); }});
    }
  }
  return cases;
}

}  // namespace accrete::bench
