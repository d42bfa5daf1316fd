# SPDX-License-Identifier: Apache-2.0
"""The graphs of cudnn_fused.py, written down for cuDNN's Python frontend; what they compute is said
there."""
from typing import NamedTuple


class Shape(NamedTuple):
    name: str  # dn121/1x1/56x56/64-128
    N: int
    size: int
    C: int
    K: int
    filter: int

    def flops(self):
        return 2.0 * self.N * self.size ** 2 * self.C * self.K * self.filter ** 2

    def x(self):
        return [self.N, self.C, self.size, self.size]

    def y(self):
        return [self.N, self.K, self.size, self.size]

    def w(self):
        return [self.K, self.C, self.filter, self.filter]


class Builder:
    """A graph of cuDNN and the dimensions and types of its inputs and outputs."""

    def __init__(self, cudnn, handle, shape, intermediate):
        self.cudnn = cudnn
        self.shape = shape
        kind = cudnn.data_type
        self.graph = cudnn.pygraph(io_data_type=kind.BFLOAT16,
                                   intermediate_data_type=getattr(kind, intermediate),
                                   compute_data_type=kind.FLOAT, handle=handle)
        self.tensors = []  # (tensor of the graph, dimensions, whether f32)
        self.window = {"padding": [shape.filter // 2] * 2, "stride": [1, 1], "dilation": [1, 1]}

    @staticmethod
    def strides(dim):
        """Of a packed NHWC tensor, in the order N C H W."""
        _, c, h, w = dim
        return [c * h * w, 1, c * w, c]

    def input(self, name, dim):
        tensor = self.graph.tensor(name=name, dim=dim, stride=self.strides(dim),
                                   data_type=self.cudnn.data_type.BFLOAT16)
        self.tensors.append((tensor, dim, False))
        return tensor

    def output(self, tensor, dim, f32=False):
        kind = self.cudnn.data_type
        tensor.set_output(True).set_dim(dim).set_stride(self.strides(dim))
        tensor.set_data_type(kind.FLOAT if f32 else kind.BFLOAT16)
        self.tensors.append((tensor, dim, f32))

    def normalised(self, x):
        """scale * x + shift, per channel."""
        channels = [1, self.shape.C, 1, 1]
        scaled = self.graph.scale(name="scaled", input=x, scale=self.input("scale", channels))
        return self.graph.bias(name="shifted", input=scaled, bias=self.input("shift", channels))

    def sums(self, tensor, name):
        total = self.graph.reduction(name=name, input=tensor,
                                     mode=self.cudnn.reduction_mode.ADD)
        self.output(total, [1, self.shape.C, 1, 1], f32=True)

    def bytes(self):
        """Of every tensor once; vectors over channels do not count."""
        size = 0
        for _, dim, f32 in self.tensors:
            if dim[0] > 1:
                size += dim[0] * dim[1] * dim[2] * dim[3] * (4 if f32 else 2)
        return float(size)


def norm_relu_conv_stats(b):
    read = b.graph.relu(name="relu", input=b.normalised(b.input("x", b.shape.x())))
    y = b.graph.conv_fprop(name="conv", image=read, weight=b.input("w", b.shape.w()), **b.window)
    b.output(y, b.shape.y())
    for total in b.graph.genstats(name="stats", input=y):
        b.output(total, [1, b.shape.K, 1, 1], f32=True)


def norm_relu_wgrad(b):
    read = b.graph.relu(name="relu", input=b.normalised(b.input("x", b.shape.x())))
    b.output(b.graph.conv_wgrad(name="wgrad", image=read, loss=b.input("dy", b.shape.y()),
                                **b.window), b.shape.w())


def dgrad_drelu(b, with_sums=False):
    x = b.input("x", b.shape.x())
    dx = b.graph.conv_dgrad(name="dgrad", loss=b.input("dy", b.shape.y()),
                            filter=b.input("w", b.shape.w()), **b.window)
    dx.set_dim(b.shape.x()).set_stride(b.strides(b.shape.x()))
    dz = b.graph.relu_backward(name="drelu", loss=dx, input=b.normalised(x))
    b.output(dz, b.shape.x())
    if with_sums:
        b.sums(dz, "sum")
        b.sums(b.graph.mul(name="product", a=dz, b=x), "sum_of_products")


def dgrad_drelu_sums(b):
    dgrad_drelu(b, with_sums=True)


def conv(b):
    b.output(b.graph.conv_fprop(name="conv", image=b.input("x", b.shape.x()),
                                weight=b.input("w", b.shape.w()), **b.window), b.shape.y())


def dgrad(b):
    b.output(b.graph.conv_dgrad(name="dgrad", loss=b.input("dy", b.shape.y()),
                                filter=b.input("w", b.shape.w()), **b.window), b.shape.x())


def wgrad(b):
    b.output(b.graph.conv_wgrad(name="wgrad", image=b.input("x", b.shape.x()),
                                loss=b.input("dy", b.shape.y()), **b.window), b.shape.w())


# What each stands beside, the most telling ones first.
GRAPHS = ((norm_relu_conv_stats, "fused_conv/forward"), (norm_relu_wgrad, "fused_conv/wgrad"),
          (dgrad_drelu_sums, "fused_conv/dgrad"), (dgrad_drelu, "fused_conv/dgrad"),
          (conv, "conv/forward"), (dgrad, "conv/dgrad"), (wgrad, "conv/wgrad"))
