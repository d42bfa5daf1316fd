#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the arrays of small residual nets that tests/models/golden_test.cpp compares with.

As make_densenets.py:

  python3 tests/golden/make_resnets.py tests/golden
"""
import sys
from collections import OrderedDict

from steps import step, write_safetensors
from torch import nn

NETS = {
    # "narrow" is ResNet-18 with fewer and narrower layers, "d2l" the chapter's variant of it.
    "narrow": {"stages": [2, 1], "width": 6, "bias": False, "shortcut_norm": True, "classes": 5,
               "images": (4, 3, 18, 18)},
    "d2l": {"stages": [1, 1], "width": 5, "bias": True, "shortcut_norm": False, "classes": 3,
            "images": (5, 1, 20, 20)},
}
# Batch norm in evaluation mode while the net trains.
NETS["frozen"] = {**NETS["narrow"], "frozen": True}


class BasicBlock(nn.Module):
    def __init__(self, inputs, channels, stride, net):
        super().__init__()
        bias = net["bias"]
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=bias)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=bias)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = nn.Identity()
        if stride > 1 or inputs != channels:
            layers = [nn.Conv2d(inputs, channels, 1, stride, bias=bias)]
            if net["shortcut_norm"]:
                layers.append(nn.BatchNorm2d(channels))
            self.downsample = nn.Sequential(*layers)

    def forward(self, x):
        y = nn.functional.relu(self.bn1(self.conv1(x)))
        return nn.functional.relu(self.bn2(self.conv2(y)) + self.downsample(x))


def build(net):
    channels = net["width"]
    layers = OrderedDict(conv1=nn.Conv2d(net["images"][1], channels, 7, 2, 3, bias=net["bias"]),
                         bn1=nn.BatchNorm2d(channels), relu=nn.ReLU(),
                         maxpool=nn.MaxPool2d(3, 2, 1))
    inputs = channels
    for stage, depth in enumerate(net["stages"], 1):
        blocks = []
        for block in range(depth):
            blocks.append(BasicBlock(inputs, channels, 2 if stage > 1 and block == 0 else 1, net))
            inputs = channels
        layers[f"layer{stage}"] = nn.Sequential(*blocks)
        channels *= 2
    layers.update(avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(),
                  fc=nn.Linear(inputs, net["classes"]))
    return nn.Sequential(layers)


if __name__ == "__main__":
    for net_name, net_spec in NETS.items():
        write_safetensors(f"{sys.argv[1]}/resnet_{net_name}.safetensors", step(build, net_spec))
