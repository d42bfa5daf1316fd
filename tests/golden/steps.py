# SPDX-License-Identifier: Apache-2.0
"""One training step of a PyTorch model in float64, and the file it is written to as float32."""
import json
import struct

import torch
from torch import nn


def is_norm(name):
    return "norm" in name or "bn" in name or "downsample.1" in name


def randomise(model):
    """Values that make every term count: batch norm away from scale 1 and shift 0."""
    for name, tensor in model.state_dict().items():
        if tensor.dtype == torch.float64:
            tensor.copy_(torch.randn_like(tensor) * 0.3)
        if name.endswith("running_var"):
            tensor.copy_(torch.rand_like(tensor) + 0.5)
        if is_norm(name) and name.endswith(".weight"):
            tensor.add_(1.0)


def shift_norms(model, shift):
    """Puts inputs of ReLU far from zero, where rounding decides which of them pass."""
    for name, tensor in model.state_dict().items():
        if is_norm(name) and name.endswith(".bias"):
            tensor.add_(shift)


def round_to_float32(model):
    """The test starts from float32."""
    for tensor in model.state_dict().values():
        if tensor.dtype == torch.float64:
            tensor.copy_(tensor.float().double())


def stored(model):
    return {k: v.clone() for k, v in model.state_dict().items() if "num_batches" not in k}


def step(build, net):
    torch.manual_seed(7)
    model = build(net).double()
    if "norm_shift" in net:
        shift_norms(model, net["norm_shift"])
    else:
        randomise(model)
    round_to_float32(model)
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
    header = {"__metadata__": {"format": "pt", "producer": "PyTorch " + torch.__version__}}
    chunks, offset = [], 0
    for name, tensor in arrays.items():
        values = tensor.detach().float().contiguous().flatten().tolist()
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + len(raw)]}
        chunks.append(raw)
        offset += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(chunks))
