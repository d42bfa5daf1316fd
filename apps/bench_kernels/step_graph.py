# SPDX-License-Identifier: Apache-2.0
"""The training step of a network as `inspect SPEC --device cuda --graph json` plans it."""
import json
import os
import subprocess
import tempfile

from command_line import Refusal

FORMAT = "accrete graph"
DTYPE_BYTES = {"bf16": 2, "f32": 4, "i32": 4, "u8": 1}
NETS = {
    "DenseNet-121, 224x224, batch 256, bf16": ("densenet121", 224, 3),
    "d2l, 96x96, batch 256, bf16": ("d2l", 96, 1),
}
BATCH = 256


class WrongGraph(Refusal):
    pass


class Value:
    def __init__(self, row):
        self.name, self.kind, self.dtype = row["name"], row["kind"], row["dtype"]
        self.n, self.h, self.w, self.c = row["shape"]
        self.bytes = row["bytes"]
        self.pitch = row.get("pitch", self.c)
        self.offset = row.get("channel_offset", 0)

    @property
    def pixels(self):
        return self.n * self.h * self.w

    @property
    def elements(self):
        return self.pixels * self.c


def alignment(*values):
    """Bytes, 16 or 8, that all rows of some values begin at multiples of and hold multiples of, or 0;
    storages begin at any multiple."""
    def fits(size):
        return all(n * DTYPE_BYTES[v.dtype] % size == 0
                   for v in values for n in (v.c, v.pitch, v.offset))
    return next((size for size in (16, 8) if fits(size)), 0)


class Node:
    def __init__(self, row, values):
        self.op, self.name, self.bytes = row["op"], row["name"], row["bytes_moved"]
        self.free = row.get("free", False)
        self.inputs = [values[i] for i in row["inputs"]]
        self.outputs = [values[i] for i in row["outputs"]]


class StepGraph:
    def __init__(self, document, source):
        try:
            if document["format"] != FORMAT:
                raise WrongGraph("%s is no graph of inspect" % source)
            if document["device"] != "cuda":
                raise WrongGraph("%s is planned for %s; inspect needs --device cuda" %
                                 (source, document["device"]))
            step = document["step"]
            self.values = [Value(row) for row in step["values"]]
            self.nodes = [Node(row, self.values) for row in step["nodes"]]
            self.bytes = step["bytes_moved"]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise WrongGraph("%s is no graph of inspect: %s %s" %
                             (source, type(error).__name__, error)) from error
        images = [v for v in self.values if v.kind == "input" and v.dtype in ("f32", "bf16")]
        if not images:
            raise WrongGraph("%s has no input of images" % source)
        self.batch = images[0].n
        if images[0].dtype != "bf16":
            raise WrongGraph("%s computes in %s; only bf16 is counted (--set "
                             "training.precision=bf16)" % (source, images[0].dtype))

    def parameters(self):
        return [v for v in self.values if v.kind == "parameter"]


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return StepGraph(json.load(file), path)
    except (OSError, ValueError) as error:
        raise WrongGraph("cannot read the graph %s: %s" % (path, error)) from error


def planned(inspect, spec, sets=()):
    """What inspect says about a spec."""
    command = [inspect, spec, "--device", "cuda", "--graph", "json"]
    command += [word for text in sets for word in ("--set", text)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise WrongGraph("cannot run %s: %s; ./run build makes it" %
                         (inspect, error.strerror)) from error
    if done.returncode != 0:
        raise WrongGraph("%s failed: %s" % (" ".join(command), done.stderr.strip()[-500:]))
    try:
        return StepGraph(json.loads(done.stdout), spec)
    except ValueError as error:
        raise WrongGraph("%s does not print JSON: %s" % (" ".join(command), error)) from error


def default_nets(inspect):
    """(title, graph) of the nets that are predicted when none is named."""
    for title, (preset, size, channels) in NETS.items():
        spec = {
            "name": preset,
            "model": {"preset": preset},
            "data": {"dataset": "synthetic",
                     "synthetic": {"image_size": size, "channels": channels,
                                   "train_images": BATCH, "test_images": 1}},
            "training": {"batch_size": BATCH, "precision": "bf16"},
        }
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "spec.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(spec, file)
            yield title, planned(inspect, path)
