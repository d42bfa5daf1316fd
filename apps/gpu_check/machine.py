# SPDX-License-Identifier: Apache-2.0
"""What GPU there is, and the facts that a result needs to be worth something."""
import ctypes
import glob
import os
import platform
import subprocess

TOOLKIT_LIBRARIES = ("/usr/local/cuda/lib64", "/usr/local/cuda-*/lib64",
                     "/usr/local/cuda-*/targets/*/lib")


def gpu_count():
    """(number of usable GPUs, why there is none), asked of the driver itself."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0, "the NVIDIA driver is not installed (no libcuda.so.1)"
    status = driver.cuInit(0)
    if status != 0:
        return 0, f"the NVIDIA driver finds no usable GPU (cuInit returned {status})"
    count = ctypes.c_int(0)
    driver.cuDeviceGetCount(ctypes.byref(count))
    return count.value, "" if count.value else "the NVIDIA driver lists no GPU"


def driver_cuda_version():
    version = ctypes.c_int(0)
    try:
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except OSError:
        return None
    return f"{version.value // 1000}.{version.value % 1000 // 10}"


def nvidia_smi(limit):
    """Name, driver, clocks, power and temperature of GPU 0 as they are now; never changed here."""
    keys = ["name", "driver_version", "clocks.sm", "clocks.mem", "clocks.max.sm", "clocks.max.mem",
            "power.limit", "temperature.gpu", "memory.total"]
    try:
        line = subprocess.run(
            ["nvidia-smi", "-i", "0", "--query-gpu=" + ",".join(keys), "--format=csv,noheader"],
            check=True, capture_output=True, text=True, timeout=limit).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return {"nvidia_smi": str(error)}
    return dict(zip(keys, (value.strip() for value in line.split(","))))


def describe(limit):
    return {"gpu": nvidia_smi(limit), "driver_cuda": driver_cuda_version(),
            "host": platform.platform(), "python": platform.python_version()}


def package_folders(python):
    """Where a Python looks for its packages."""
    try:
        output = subprocess.run([python, "-c", "import sys; print(*sys.path, sep='\\n')"],
                                check=True, capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return []  # the step that needs this Python says what is wrong with it
    return [folder for folder in output.splitlines() if os.path.isdir(folder)]


def cuda_library_folders(python):
    """Where libcublas may be: a toolkit, or the packages that come with PyTorch."""
    patterns = list(TOOLKIT_LIBRARIES)
    patterns += [os.path.join(folder, "nvidia", "*", "lib") for folder in package_folders(python)]
    return [folder for pattern in patterns for folder in sorted(glob.glob(pattern))]
