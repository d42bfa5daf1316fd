# SPDX-License-Identifier: Apache-2.0
"""From the nodes of a step to launches: which inputs of an op are what (engine/src/ops)."""
from kernel_calls import UPDATE_CHUNK, Calls
from kernel_work import Problem, Work, tiles
from step_graph import WrongGraph

NORM = 4                # mean, inv_std, gamma, beta
RUNNING = 4             # of a norm: mean, variance, and the running ones
NORMS_OF_LAUNCH = 64    # whose running statistics one launch updates
DEFERRED = 6            # g, y, mean, inv_std, a, b
UPDATE_BYTES = 22       # of an element: SGD with momentum reads 3 and writes 2 floats, and a copy
# Ops that are too small to count, or another library's: bytes and a launch.
BYTES_ALONE = {"linear_forward", "linear_dgrad", "linear_wgrad", "softmax_cross_entropy_forward",
               "softmax_cross_entropy_backward", "bias_grad", "zero_gradient", "add", "concat",
               "channel_slice", "relu_forward", "relu_backward", "global_average_pool_forward",
               "global_average_pool_backward", "apply_deferred", "channel_statistics",
               "batch_norm_normalise", "batch_norm_backward", "inverse_deviation"}


def split_op(op):
    """Core of an op's name and the set of what passes have put around it."""
    words = op.split("+")
    core = [w for w in words if w not in ("norm_relu", "statistics", "deferred")]
    return core[0], set(words) - set(core)


def conv_forward(calls, node, extras):
    problem = Problem(node.inputs[0], node.inputs[1], node.outputs[0])
    calls.forward(problem, "norm_relu" in extras, node.bytes)


def gradient_of(inputs, deferred):
    """The tensors of a gradient: g, or g and y."""
    return inputs[:2] if deferred else inputs[:1]


def conv_gradients(calls, node, core, extras):
    """The three gradients of convolutions; those of the data begin with the gradient of y."""
    deferred, norm = "deferred" in extras, "norm_relu" in extras
    size = DEFERRED if deferred else 1
    changes = "deferred" if deferred or norm else "plain", "norm_relu" if norm else "plain"
    if core == "conv_wgrad":
        x, gradient = node.inputs[0], gradient_of(node.inputs[1 + (NORM if norm else 0):], deferred)
        calls.wgrad(Problem(x, node.outputs[0], gradient[0]), gradient, changes, node.bytes)
        return
    gradient = gradient_of(node.inputs, deferred)
    x = node.inputs[size + 1] if norm else node.outputs[0]
    problem = Problem(x, node.inputs[size], gradient[0])
    others = [x, node.outputs[0]]
    if core == "conv_dgrad":
        calls.dgrad(problem, gradient, others, changes[0], norm, node.bytes)
    elif norm:
        calls.backward(problem, gradient, others, node.bytes)
    else:
        calls.wgrad(problem, gradient, changes, node.bytes / 2)
        calls.dgrad(problem, gradient, others, changes[0], norm, node.bytes / 2)


def max_pool_forward(calls, node, _):
    y = node.outputs[0]
    calls.rows("max pool", "rows/bf16/MaxForward", y.pixels, y.c, node.bytes)


def max_pool_backward(calls, node, _):
    # Down tiles of 2x2 pixels, of which there is one for each window.
    x, pooled = node.outputs[0], node.inputs[0]
    calls.rows("max pool", "rows/bf16/MaxTileSource", pooled.pixels, x.c, node.bytes)


def average_pool_forward(calls, node, _):
    y = node.outputs[0]
    calls.rows("average pools", "rows/bf16/AverageForward", y.pixels, y.c, node.bytes)


def average_pool_backward(calls, node, _):
    x, pooled = node.outputs[0], node.inputs[0]
    calls.rows("average pools", "rows/bf16/TileSource", pooled.pixels, x.c, node.bytes)


def global_average_pool_forward(calls, node, _):
    x = node.inputs[0]
    calls.rows("average pools", "rows/bf16/global_average", x.pixels, x.c, node.bytes, x.h * x.w)


def global_average_pool_backward(calls, node, _):
    x = node.outputs[0]
    calls.rows("average pools", "rows/bf16/GlobalAverageSource", x.pixels, x.c, node.bytes)


# With a norm on load; plain pools are no part of a DenseNet's step.
POOLS = {"max_pool_forward": max_pool_forward, "max_pool_backward": max_pool_backward,
         "average_pool_forward": average_pool_forward,
         "average_pool_backward": average_pool_backward,
         "global_average_pool_forward": global_average_pool_forward,
         "global_average_pool_backward": global_average_pool_backward}


def add_node(calls, node):
    core, extras = split_op(node.op)
    if core == "conv_forward":
        conv_forward(calls, node, extras)
    elif core in ("conv_wgrad", "conv_dgrad", "conv_backward"):
        conv_gradients(calls, node, core, extras)
    elif core in POOLS and "norm_relu" in extras:
        POOLS[core](calls, node, extras)
    elif core == "update_running_statistics":
        launches = tiles(len(node.inputs) // RUNNING, NORMS_OF_LAUNCH)
        for _ in range(launches):
            calls.bytes_alone("rest", node.bytes / launches)
    elif core in BYTES_ALONE:
        calls.bytes_alone("rest", node.bytes)
    else:
        raise WrongGraph("%s is a %s, whose kernels predict.py does not know" %
                         (node.name, node.op))


def add_update(calls, graph):
    elements = sum(value.elements for value in graph.parameters())
    if elements == 0:
        raise WrongGraph("the graph has no parameters")
    kernel = "update/f32/Sgd"
    blocks = sum(tiles(value.elements, UPDATE_CHUNK) for value in graph.parameters())
    per_thread = elements / blocks / calls.kernel(kernel)["threads"]
    calls.add(kernel, [Work("optimizer", blocks, {"thread": 1, "item": per_thread})], 0,
              UPDATE_BYTES * elements)


def step_calls(graph, budget):
    """All launches of a training step with its update by SGD. Making the batch is not counted."""
    calls = Calls(budget)
    for node in graph.nodes:
        if not node.free:
            add_node(calls, node)
    add_update(calls, graph)
    return calls.calls
