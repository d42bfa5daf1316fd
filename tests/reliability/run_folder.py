# SPDX-License-Identifier: Apache-2.0
"""What a run folder must look like: at the end of a run, and in between, after any death."""
import json
import os
import re
import shutil
import struct

KEEP = 1  # older checkpoints beside the newest, in the spec
STEP_FILE = re.compile(r"checkpoints/step_(\d{10})\.safetensors")
LEFTOVER = re.compile(r".*\.tmp|run\.lock")
ITEM_BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2,
              "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1}


class Failure(Exception):
    """What a trial should not have seen."""


def expect(condition, message):
    if not condition:
        raise Failure(message)


def files_of(folder):
    """Path in the folder -> content, without folders; nothing if it does not exist."""
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def copy(source, target):
    """With its hard links: the best checkpoint may be one to another."""
    seen = {}

    def copy_file(path, to):
        first = seen.setdefault(os.stat(path).st_ino, to)
        return shutil.copy2(path, to) if first == to else os.link(first, to)

    shutil.copytree(source, target, copy_function=copy_file)


def step_files(names):
    """Paths of the checkpoints that go by their step, oldest first."""
    return sorted(name for name in names if STEP_FILE.fullmatch(name))


def newest_step(names):
    steps = step_files(names)
    return int(STEP_FILE.fullmatch(steps[-1]).group(1)) if steps else 0


def leftovers(folder):
    return [name for name in files_of(folder) if LEFTOVER.fullmatch(name)]


def expect_no_leftovers(folder):
    left = leftovers(folder)
    expect(not left, f"{folder} still holds {', '.join(left)}")


def compare(reference, folder, most_steps=KEEP + 1, may_be_left=()):
    """Raises Failure unless a run has left in `folder` what the undisturbed one has."""
    expected, found = files_of(reference), files_of(folder)
    compare_names(expected, found, most_steps, may_be_left)
    for name, content in expected.items():
        if name in found and name != "timing.jsonl":
            expect(found[name] == content, f"{folder}/{name} differs from the undisturbed run's")
    for name in step_files(found):
        check_safetensors(name, found[name])
    check_timing(found)


def compare_names(expected, found, most_steps, may_be_left):
    steps = step_files(found)
    stray = sorted(set(found) - set(expected) - set(steps) - set(may_be_left))
    expect(not stray, f"stray files: {', '.join(stray)}")
    missing = sorted(set(expected) - set(found) - set(step_files(expected)[:-1]))
    expect(not missing, f"missing files: {', '.join(missing)}")
    expect(len(steps) <= most_steps, f"more than {most_steps} checkpoints: {', '.join(steps)}")
    expect(steps[-1:] == step_files(expected)[-1:], f"the newest checkpoint is {steps[-1:]}")


def check_timing(found):
    lines = [parse_json("timing.jsonl", line) for line in lines_of(found, "timing.jsonl")]
    metrics = lines_of(found, "metrics.jsonl")
    expect(len(lines) == len(metrics),
           f"timing.jsonl has {len(lines)} lines, metrics.jsonl {len(metrics)}")
    epochs = [line.get("epoch") for line in lines]
    expect(epochs == [json.loads(line).get("epoch") for line in metrics],
           f"timing.jsonl is of epochs {epochs}")


def lines_of(found, name):
    return found.get(name, b"").splitlines()


def parse_json(name, text):
    try:
        return json.loads(text)
    except ValueError as error:
        raise Failure(f"{name} is no whole JSON: {error}: {text[:200]!r}") from None


def check_unfinished(reference, folder, newest=0):
    """Raises Failure unless `folder` is what a death may leave behind.

    `newest` is the step of a checkpoint that was seen to be saved.
    """
    found = files_of(folder)
    for name, content in found.items():
        if name.endswith(".json"):
            parse_json(name, content)
        elif name.endswith(".safetensors"):
            check_safetensors(name, content)
    check_whole_lines(lines_of(files_of(reference), "metrics.jsonl"), found, "metrics.jsonl")
    for line in found.get("timing.jsonl", b"").split(b"\n")[:-1]:
        parse_json("timing.jsonl", line)
    expect(newest_step(found) >= newest,
           f"the checkpoint of step {newest} was saved, and now there are only "
           f"{', '.join(step_files(found)) or 'none'}")


def check_whole_lines(expected, found, name):
    """All lines but one that was being written are the undisturbed run's."""
    whole = found.get(name, b"").split(b"\n")[:-1]
    for line, wanted in zip(whole, expected):
        expect(line == wanted, f"a line of {name} is {line!r} and not {wanted!r}")
    expect(len(whole) <= len(expected), f"{name} has {len(whole)} lines")


def check_safetensors(name, content):
    """The format: length of the header, header, tensors without gaps to the end of the file."""
    expect(len(content) >= 8, f"{name} has {len(content)} bytes")
    length, = struct.unpack("<Q", content[:8])
    expect(8 + length <= len(content), f"{name} ends in its header")
    header = parse_json(name, content[8:8 + length])
    header.pop("__metadata__", None)
    at = 0
    for tensor, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        count = 1
        for extent in entry["shape"]:
            count *= extent
        expect(begin == at and end - begin == count * ITEM_BYTES[entry["dtype"]],
               f"{name}: {tensor} is not where or as large as its header says")
        at = end
    whole = 8 + length + at
    expect(whole == len(content), f"{name} has {len(content)} bytes and not {whole}")
