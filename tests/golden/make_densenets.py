#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the arrays that tests/models/golden_test.cpp compares with.

One training step of small DenseNets in PyTorch, in float64 and then rounded to float32:
weights, images, labels, loss, gradients, running statistics afterwards. Run with PyTorch 2.15.0:

  python3 tests/golden/make_densenets.py tests/golden
"""
import sys
from collections import OrderedDict

import torch
from steps import step, write_safetensors
from torch import nn

NETS = {
    # Names as in the spec; "bottleneck" is a BC net, "plain" has the stem and biases of the d2l net.
    "bottleneck": {"blocks": [2, 2], "growth_rate": 6, "bottleneck_width": 2, "compression": 0.5,
                   "stem": (8, 3, 1, False, False), "bias": False, "classes": 5,
                   "images": (4, 2, 10, 10)},
    "plain": {"blocks": [2, 2], "growth_rate": 5, "bottleneck_width": 0, "compression": 0.5,
              "stem": (7, 7, 2, True, True), "bias": True, "classes": 3, "images": (5, 1, 32, 32)},
}
# The bottleneck net, batch norm in evaluation mode while it trains.
NETS["frozen"] = {**NETS["bottleneck"], "frozen": True}
# At full width, as torchvision and the chapter have them, with PyTorch's initial weights. The inputs of
# ReLUs are moved away from zero: in so many of them rounding would else decide some of the masks, and
# PyTorch's own float32 gradients of DenseNet-121 are then off by 0.5 %. Too large to keep:
# tests/models/published_nets.py makes them when it needs them.
PUBLISHED = {
    "densenet121": {"blocks": [6, 12, 24, 16], "growth_rate": 32, "bottleneck_width": 4,
                    "compression": 0.5, "stem": (64, 7, 2, True, True), "bias": False,
                    "classes": 1000, "images": (4, 3, 224, 224), "norm_shift": 4.0},
    "d2l": {"blocks": [4, 4, 4, 4], "growth_rate": 32, "bottleneck_width": 0, "compression": 0.5,
            "stem": (64, 7, 2, True, True), "bias": True, "classes": 10,
            "images": (16, 1, 96, 96), "norm_shift": 4.0},
}


class Concat(nn.Module):
    def __init__(self, layers):
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.order = list(layers)

    def forward(self, x):
        y = x
        for name in self.order:
            y = getattr(self, name)(y)
        return torch.cat((x, y), 1)


def build(net):
    channels, kernel, stride, norm_relu, max_pool = net["stem"]
    bias, growth = net["bias"], net["growth_rate"]
    features = OrderedDict()
    features["conv0"] = nn.Conv2d(net["images"][1], channels, kernel, stride, kernel // 2, bias=bias)
    if norm_relu:
        features["norm0"], features["relu0"] = nn.BatchNorm2d(channels), nn.ReLU()
    if max_pool:
        features["pool0"] = nn.MaxPool2d(3, 2, 1)
    for block, depth in enumerate(net["blocks"], 1):
        layers = OrderedDict()
        for index in range(1, depth + 1):
            layer = OrderedDict(norm1=nn.BatchNorm2d(channels), relu1=nn.ReLU())
            if net["bottleneck_width"]:
                width = net["bottleneck_width"] * growth
                layer["conv1"] = nn.Conv2d(channels, width, 1, bias=bias)
                layer["norm2"], layer["relu2"] = nn.BatchNorm2d(width), nn.ReLU()
                layer["conv2"] = nn.Conv2d(width, growth, 3, padding=1, bias=bias)
            else:
                layer["conv1"] = nn.Conv2d(channels, growth, 3, padding=1, bias=bias)
            layers[f"denselayer{index}"] = Concat(layer)
            channels += growth
        features[f"denseblock{block}"] = nn.Sequential(layers)
        if block < len(net["blocks"]):
            kept = int(net["compression"] * channels)
            features[f"transition{block}"] = nn.Sequential(OrderedDict(
                norm=nn.BatchNorm2d(channels), relu=nn.ReLU(),
                conv=nn.Conv2d(channels, kept, 1, bias=bias), pool=nn.AvgPool2d(2)))
            channels = kept
    features[f"norm{len(net['blocks']) + 1}"] = nn.BatchNorm2d(channels)
    features["relu"] = nn.ReLU()
    return nn.Sequential(OrderedDict(
        features=nn.Sequential(features), pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(),
        classifier=nn.Linear(channels, net["classes"])))


if __name__ == "__main__":
    for net_name, net_spec in NETS.items():
        write_safetensors(f"{sys.argv[1]}/densenet_{net_name}.safetensors", step(build, net_spec))
