#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times training steps of PyTorch for the nets that `train` builds.

Prints one JSON line per layout: images per second of the median step. Run by compare.py; needs
PyTorch, which the project itself does not.
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn


class DenseLayer(nn.Module):
    """BN-ReLU-Conv3x3, or BN-ReLU-Conv1x1-BN-ReLU-Conv3x3 with a bottleneck."""

    def __init__(self, channels, growth_rate, bottleneck_width, bias):
        super().__init__()
        layers = [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
        if bottleneck_width:
            width = bottleneck_width * growth_rate
            layers += [nn.Conv2d(channels, width, 1, bias=bias), nn.BatchNorm2d(width),
                       nn.ReLU(inplace=True)]
            channels = width
        layers += [nn.Conv2d(channels, growth_rate, 3, padding=1, bias=bias)]
        self.net = nn.Sequential(*layers)

    def forward(self, x):
        return torch.cat((x, self.net(x)), 1)


class BasicBlock(nn.Module):
    """Conv3x3-BN-ReLU-Conv3x3-BN, plus the input or its projection, ReLU."""

    def __init__(self, channels, width, stride, bias, shortcut_norm):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride, 1, bias=bias), nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=bias), nn.BatchNorm2d(width))
        projection = []
        if stride != 1 or channels != width:
            projection += [nn.Conv2d(channels, width, 1, stride, bias=bias)]
            projection += [nn.BatchNorm2d(width)] if shortcut_norm else []
        self.shortcut = nn.Sequential(*projection)

    def forward(self, x):
        return nn.functional.relu(self.net(x) + self.shortcut(x), inplace=True)


def stem_of(spec, in_channels):
    stem = spec["stem"]
    channels = stem["channels"]
    layers = [nn.Conv2d(in_channels, channels, stem["kernel"], stem["stride"],
                        stem["kernel"] // 2, bias=spec["conv_bias"])]
    if stem["norm_relu"]:
        layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    if stem["max_pool"]:
        layers += [nn.MaxPool2d(3, 2, 1)]
    return layers


def head_of(spec, channels):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, spec["num_classes"])]


def resnet(spec, in_channels):
    layers = stem_of(spec, in_channels)
    channels = spec["stem"]["channels"]
    for stage, depth in enumerate(spec["stages"]):
        width = spec["width"] << stage
        for block in range(depth):
            stride = 2 if stage > 0 and block == 0 else 1
            layers += [BasicBlock(channels, width, stride, spec["conv_bias"],
                                  spec["shortcut_norm"])]
            channels = width
    return nn.Sequential(*layers, *head_of(spec, channels))


def densenet(spec, in_channels):
    bias = spec["conv_bias"]
    layers = stem_of(spec, in_channels)
    channels = spec["stem"]["channels"]
    for block, depth in enumerate(spec["blocks"]):
        for _ in range(depth):
            layers += [DenseLayer(channels, spec["growth_rate"], spec["bottleneck_width"], bias)]
            channels += spec["growth_rate"]
        if block + 1 < len(spec["blocks"]):
            kept = int(spec["compression"] * channels)
            layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True),
                       nn.Conv2d(channels, kept, 1, bias=bias), nn.AvgPool2d(2)]
            channels = kept
    layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, *head_of(spec, channels))


# Of torch.compile, on images in channels_last. The last one searches for many minutes.
COMPILE_MODES = {"compiled": None, "max_autotune": "max-autotune"}
BUILDERS = {"densenet": densenet, "resnet": resnet}


def forward_and_backward(args, model, images, labels):
    with torch.autocast(args.device, torch.bfloat16, enabled=args.precision == "bf16"):
        loss = nn.functional.cross_entropy(model(images), labels)
    loss.backward()


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def peak_device_mib(device):
    """What tensors have held at most; the allocator's reserve and the context are not counted."""
    return torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else None


def time_steps(config, args, layout):
    torch.manual_seed(0)
    data, batch = config["data"], config["training"]["batch_size"]
    channels, size = data["synthetic"]["channels"], data["synthetic"]["image_size"]
    model = BUILDERS[config["model"]["type"]](config["model"], channels).to(args.device)
    images = torch.randn(batch, channels, size, size, device=args.device)
    labels = torch.randint(0, config["model"]["num_classes"], (batch,), device=args.device)
    if layout != "contiguous":
        model = model.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    if layout in COMPILE_MODES:
        model = torch.compile(model, mode=COMPILE_MODES[layout])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    times = []
    for step in range(args.warmup + args.steps):
        synchronize(args.device)
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        forward_and_backward(args, model, images, labels)
        optimizer.step()
        synchronize(args.device)
        if step >= args.warmup:
            times.append(time.perf_counter() - start)
    return {"framework": "pytorch " + torch.__version__, "layout": layout,
            "parameters": sum(p.numel() for p in model.parameters()),
            "images_per_second": batch / statistics.median(times),
            "best_images_per_second": batch / min(times), "steps": args.steps,
            "peak_device_mib": peak_device_mib(args.device)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config.json of a run folder (a resolved spec)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=4)
    parser.add_argument("--layouts", nargs="+",
                        default=["contiguous", "channels_last", "compiled"])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.backends.cudnn.benchmark = True
    # cuDNN would take tf32 by itself.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = (
        args.precision != "fp32")
    with open(args.config, encoding="utf-8") as file:
        config = json.load(file)
    for layout in args.layouts:
        print(json.dumps(time_steps(config, args, layout)), flush=True)


if __name__ == "__main__":
    main()
