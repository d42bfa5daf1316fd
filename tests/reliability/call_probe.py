# SPDX-License-Identifier: Apache-2.0
"""Makes every call that can be made to fail, twice, in the folder it is given.

Prints a line "call result" each: what was written, an error's name, or "done".
"""
import ctypes
import errno
import fcntl
import os
import sys

TEXT = b"0123456789"


def streams(folder):
    """Through a stream, for fopen: Python has none of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.fopen.restype = ctypes.c_void_p
    stream = libc.fopen(os.fsencode(f"{folder}/stream"), b"w")
    if not stream:
        raise OSError(ctypes.get_errno(), "fopen")
    libc.fclose(ctypes.c_void_p(stream))


def try_one(name, call):
    try:
        result = call()
        result = result if name == "write" else "done"
    except OSError as error:
        result = errno.errorcode[error.errno]
    print(name, result, flush=True)


def probe(folder):
    descriptor = os.open("/dev/null", os.O_WRONLY)

    def reopen():
        os.dup2(os.open(f"{folder}/file", os.O_WRONLY | os.O_CREAT, 0o644), descriptor)

    for name, call in [
            ("mkdir", lambda: os.mkdir(folder)), ("mkdir", lambda: os.mkdir(f"{folder}/inside")),
            ("open", reopen), ("open", lambda: streams(folder)),
            ("write", lambda: os.write(descriptor, TEXT)),
            ("write", lambda: os.writev(descriptor, [TEXT[:3], TEXT[3:]])),
            ("fsync", lambda: os.fsync(descriptor)), ("fsync", lambda: os.fdatasync(descriptor)),
            ("truncate", lambda: os.ftruncate(descriptor, 5)),
            ("truncate", lambda: os.truncate(f"{folder}/file", 4)),
            ("flock", lambda: fcntl.flock(descriptor, fcntl.LOCK_EX)),
            ("flock", lambda: fcntl.flock(descriptor, fcntl.LOCK_UN)),
            ("link", lambda: os.link(f"{folder}/file", f"{folder}/link")),
            ("link", lambda: os.link(f"{folder}/file", f"{folder}/again")),
            ("rename", lambda: os.rename(f"{folder}/link", f"{folder}/renamed")),
            ("rename", lambda: os.rename(f"{folder}/again", f"{folder}/inside/renamed")),
            ("unlink", lambda: os.unlink(f"{folder}/renamed")),
            ("unlink", lambda: os.unlink(f"{folder}/inside/renamed"))]:
        try_one(name, call)


if __name__ == "__main__":
    probe(sys.argv[1])
