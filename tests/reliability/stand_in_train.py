# SPDX-License-Identifier: Apache-2.0
"""A stand-in for train, small and right, that does one thing wrong where STAND_IN_BUG names it.

self_check.py runs the scenarios on it: they have to pass what is right and to find what is wrong.
Its network is a chain of hashes.
"""
import argparse
import errno
import fcntl
import hashlib
import json
import os
import pathlib
import signal
import struct
import sys
import time
import zlib

BUG = os.environ.get("STAND_IN_BUG", "")
EPOCHS, STEPS_OF_EPOCH, KEEP = 10, 5, 1
NOTHING = {"step": 0, "epoch": 0, "best": -1}
SIGNALS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1]
received = []


class InUse(Exception):
    pass


def catch_signals():
    for number in SIGNALS if BUG != "dies_of_signals" else ():
        if signal.getsignal(number) != signal.SIG_IGN or BUG == "catches_ignored":
            signal.signal(number, lambda number, frame: received.append(number))


def write_all(descriptor, data):
    while data:
        written = os.write(descriptor, data)
        data = data[written:] if BUG != "writes_once" else b""


def flush(descriptor):
    try:
        os.fsync(descriptor)
    except OSError:
        if BUG != "ignores_fsync":
            raise


def replace(path, data):
    """Gives a file new content, all of it or none."""
    temporary = path if BUG == "writes_in_place" else path.with_name(path.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        write_all(descriptor, data)
        flush(descriptor)
        os.rename(temporary, path)
    except OSError:
        if BUG not in ("writes_in_place", "keeps_temporary"):
            os.unlink(temporary)
        raise
    finally:
        os.close(descriptor)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        flush(folder)
    finally:
        os.close(folder)


def packed(weights, fields):
    """A safetensors file with a checksum of all that can differ."""
    check = zlib.crc32(weights + json.dumps(fields).encode())
    state = json.dumps({"fields": fields, "sum": check})
    header = json.dumps({"__metadata__": {"state": state}, "weights": {
        "dtype": "U8", "shape": [len(weights)], "data_offsets": [0, len(weights)]}}).encode()
    return struct.pack("<Q", len(header)) + header + weights


def unpacked(content):
    """Weights and fields, or None if it is damaged."""
    try:
        length, = struct.unpack("<Q", content[:8])
        header = json.loads(content[8:8 + length])
        weights = content[8 + length:]
        fields = json.loads(header["__metadata__"]["state"])["fields"]
        whole = packed(weights, fields) == content or BUG == "no_checksum"
        return (weights, fields) if whole else None
    except (ValueError, KeyError, TypeError, struct.error):
        return None


class Run:
    def __init__(self, folder, stop_after):
        self.folder = folder
        self.checkpoints = folder / "checkpoints"
        self.stop_after = stop_after or EPOCHS * STEPS_OF_EPOCH
        self.weights, self.fields = bytes(20000), dict(NOTHING)

    def lock(self):
        flags = os.O_RDWR | os.O_CREAT | (os.O_EXCL if BUG == "lock_by_name" else 0)
        descriptor = os.open(self.folder / "run.lock", flags, 0o644)
        try:
            if BUG != "no_lock":
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = json.loads(os.read(descriptor, 1000))
            raise InUse(f"{self.folder} is in use by process {owner['pid']} since {owner['start']}")
        except OSError:
            self.unlock()
            raise
        return descriptor

    def sign(self, descriptor):
        start = time.strftime("%Y-%m-%d %H:%M:%S")
        os.ftruncate(descriptor, 0)
        write_all(descriptor, json.dumps({"pid": os.getpid(), "start": start}).encode())

    def unlock(self):
        self.prune([self.folder / "run.lock"])

    def steps(self):
        return sorted(self.checkpoints.glob("step_*.safetensors"))

    def go_on(self):
        for left in [*self.folder.glob("*.tmp"), *self.checkpoints.glob("*.tmp")]:
            left.unlink()
        for path in reversed(self.steps()):
            state = unpacked(path.read_bytes())
            if state:
                self.weights, self.fields = state
                break
            if BUG != "repairs_quietly":
                print(f"{path} is damaged; going on from the one before", flush=True)
            path.unlink()
        self.prune(self.steps()[:-KEEP - 1])
        for name in ("metrics.jsonl", "timing.jsonl"):
            lines = self.lines(name)
            if BUG != "repeats_lines" and len(lines) > self.fields["epoch"]:
                replace(self.folder / name, b"".join(lines[:self.fields["epoch"]]))

    def lines(self, name):
        path = self.folder / name
        return path.read_bytes().splitlines(keepends=True) if path.exists() else []

    def append(self, name, line):
        text = json.dumps({"epoch": self.fields["epoch"], **line}) + "\n"
        replace(self.folder / name, b"".join([*self.lines(name), text.encode()]))

    def save(self):
        if BUG == "removes_first":
            self.prune(self.steps())
        replace(self.checkpoints / f"step_{self.fields['step']:010}.safetensors",
                packed(self.weights, self.fields))
        self.prune(self.steps()[:-KEEP - 1])

    def prune(self, old):
        for path in old:
            try:
                path.unlink()
            except OSError:
                if BUG == "stops_at_unlink":
                    raise

    def end_epoch(self):
        self.fields["epoch"] += 1
        accuracy = self.weights[0]
        if accuracy > self.fields["best"]:
            self.fields["best"] = accuracy
            replace(self.checkpoints / "best.safetensors", packed(self.weights, self.fields))
        self.append("metrics.jsonl", {"test_acc": accuracy})
        self.append("timing.jsonl", {"seconds": time.time()})
        self.save()

    def train(self):
        """The exit code."""
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        lock = self.lock()
        try:
            self.sign(lock)
            self.go_on()
            for name in ("config.json", "build.json"):
                replace(self.folder / name, json.dumps({"text": "x" * 500}).encode())
            return self.loop()
        finally:
            self.unlock()

    def loop(self):
        while self.fields["step"] < EPOCHS * STEPS_OF_EPOCH:
            if received or self.fields["step"] >= self.stop_after:
                self.save()
                return 128 + (received or [2])[0]
            self.weights = hashlib.sha256(self.weights).digest() * (len(self.weights) // 32)
            self.fields["step"] += 1
            if self.fields["step"] % STEPS_OF_EPOCH == 0:
                self.end_epoch()
        replace(self.folder / "model.safetensors", packed(self.weights, NOTHING))
        return 0


def default_folder():
    """A new one."""
    now = time.localtime()
    for suffix in ["", *(f"-{n}" for n in range(2, 100))]:
        folder = pathlib.Path("runs", f"tiny-{time.strftime('%Y%m%d-%H%M%S', now)}{suffix}")
        try:
            folder.mkdir(parents=True, exist_ok=BUG == "one_folder")
            return folder
        except FileExistsError:
            pass
    raise OSError(errno.EEXIST, "too many runs at once")


def main():
    catch_signals()
    parser = argparse.ArgumentParser()
    parser.add_argument("spec")
    parser.add_argument("-q", action="store_true")
    for option in ("--device", "--threads", "--resume"):
        parser.add_argument(option)
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--stop-after", type=int)
    parser.add_argument("--version", action="version", version="stand-in")
    arguments = parser.parse_args()
    try:
        if BUG == "trusts_clock" and time.time() < 1e9:
            raise OSError(errno.EINVAL, "the time is wrong")
        return Run(arguments.output or default_folder(), arguments.stop_after).train()
    except InUse as refusal:
        print(f"train: {refusal}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"train: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        if BUG == "says_more":
            print("and more", file=sys.stderr)
        return 1


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # the interpreter's own end would no longer catch signals
