# SPDX-License-Identifier: Apache-2.0
"""All results in one file, for a machine from which few files can be copied back. It is rewritten
as rows come, so that whatever happens, what was found until then is in it."""
import io
import os
import sys
import tarfile
import time

EXCLUDED_FOLDERS = {"checkpoints"}
EXCLUDED_ENDS = (".safetensors", ".tmp")
FIRST = "results.jsonl"   # kept whole
HALF_LOG = 48 << 10       # bytes
HALF_OF_OTHERS = 1 << 20
MOST = 12 << 20           # bytes of all files before compression
INTERVAL = 10.0           # seconds; packing after each of a hundred rows would cost minutes


def half_of(name):
    """Bytes kept of the head and of the tail of a file."""
    if name == FIRST:
        return MOST // 2
    return HALF_LOG if name.endswith(".log") else HALF_OF_OTHERS


def shortened(path, half):
    """A file, without its middle if it is long."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        if size <= 2 * half:
            return file.read()
        head = file.read(half)
        file.seek(size - half)
        return head + b"\n... %d bytes left out ...\n" % (size - 2 * half) + file.read()


class Archive:
    def __init__(self, path, folder):
        self.path = os.path.abspath(path)
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        self.folder = folder
        self.written = -INTERVAL

    def names(self):
        """What is packed, in this order: the rows, then what is small before what is large."""
        sizes = {}
        for where, folders, files in os.walk(self.folder):
            folders[:] = [name for name in folders if name not in EXCLUDED_FOLDERS]
            for file in files:
                path = os.path.join(where, file)
                if not file.endswith(EXCLUDED_ENDS) and path != self.path and os.path.isfile(path):
                    name = os.path.relpath(path, self.folder)
                    sizes[name] = min(os.path.getsize(path), 2 * half_of(name))
        return sorted(sizes, key=lambda name: (name != FIRST, sizes[name], name))

    def pack(self, target):
        root = os.path.basename(self.folder)
        space = MOST
        with tarfile.open(target, "w:gz", compresslevel=5) as archive:
            for name in self.names():
                data = shortened(os.path.join(self.folder, name), half_of(name))
                space -= len(data)
                if space < 0:
                    return
                entry = tarfile.TarInfo(os.path.join(root, name))
                entry.size, entry.mtime = len(data), int(time.time())
                archive.addfile(entry, io.BytesIO(data))

    def write(self):
        """Through another file, so that there is a whole archive at every moment."""
        try:
            self.pack(self.path + ".tmp")
            os.replace(self.path + ".tmp", self.path)
        except OSError as error:
            print(f"gpu_check: cannot write the archive {self.path}: {error}; the results are in "
                  f"{self.folder}", file=sys.stderr)
        self.written = time.monotonic()

    def write_sometimes(self):
        if time.monotonic() - self.written >= INTERVAL:
            self.write()
