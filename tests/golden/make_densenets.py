#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the arrays that tests/models/golden_test.cpp compares with.

One training step of small DenseNets in PyTorch, in float64 and then rounded to float32:
weights, images, labels, loss, gradients, running statistics afterwards. Run with PyTorch 2.15.0:

  python3 tests/golden/make_densenets.py tests/golden
"""
import json
import struct
import sys
from collections import OrderedDict

import torch
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


def randomise(model):
    """Values that make every term count: batch norm away from scale 1 and shift 0."""
    for name, tensor in model.state_dict().items():
        if tensor.dtype == torch.float64:
            tensor.copy_(torch.randn_like(tensor) * 0.3)
        if name.endswith("running_var"):
            tensor.copy_(torch.rand_like(tensor) + 0.5)
        if "norm" in name and name.endswith(".weight"):
            tensor.add_(1.0)
    for tensor in model.state_dict().values():  # the test starts from float32
        if tensor.dtype == torch.float64:
            tensor.copy_(tensor.float().double())


def stored(model):
    return {k: v.clone() for k, v in model.state_dict().items() if "num_batches" not in k}


def step(net):
    torch.manual_seed(7)
    model = build(net).double()
    randomise(model)
    arrays = {f"before.{k}": v for k, v in stored(model).items()}
    images = torch.randn(net["images"]).double()
    labels = torch.randint(0, net["classes"], (net["images"][0],))
    model.train(not net.get("frozen", False))
    logits = model(images)
    loss = nn.functional.cross_entropy(logits, labels)
    loss.backward()
    arrays["images"] = images.permute(0, 2, 3, 1)  # NHWC
    arrays["labels"] = labels
    arrays["loss"] = loss.detach().reshape(1)
    arrays["correct"] = (logits.argmax(1) == labels).sum().reshape(1)
    for name, parameter in model.named_parameters():
        arrays[f"gradient.{name}"] = parameter.grad
    for name, value in stored(model).items():
        if "running" in name:
            arrays[f"after.{name}"] = value
    return arrays


def write_safetensors(path, arrays):
    header, data = {"__metadata__": {"format": "pt", "producer": "PyTorch " + torch.__version__}}, b""
    for name, tensor in arrays.items():
        values = tensor.detach().float().contiguous().flatten().tolist()
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    for net_name, net_spec in NETS.items():
        write_safetensors(f"{sys.argv[1]}/densenet_{net_name}.safetensors", step(net_spec))
