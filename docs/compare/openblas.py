"""Lets OpenBLAS use the kernels for this processor.

OpenBLAS picks its kernels by the processor's model number. One that is younger
than the library gets kernels for SSE3, a fifth as fast as those that would run:
Debian 12's 0.3.21 does so on Intel's Emerald Rapids. Import this before torch:
it starts the program again with OPENBLAS_CORETYPE set, if that is needed. Set
OPENBLAS_CORETYPE yourself to compare with other kernels.
"""
import ctypes
import ctypes.util
import os
import sys

OLD = {"Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Atom"}


def library():
    """Returns OpenBLAS, or None without it."""
    path = ctypes.util.find_library("openblas")
    return path and ctypes.CDLL(path)


def corename():
    """Returns the name of the kernels that OpenBLAS picked, or None without OpenBLAS."""
    if library() is None:
        return None
    name = library().openblas_get_corename
    name.restype = ctypes.c_char_p
    return name().decode()


def set_threads(n):
    """Makes OpenBLAS use n threads, which PyTorch's setting does not when OpenBLAS has threads of its own."""
    if library() is not None:
        library().openblas_set_num_threads(n)


def fitting():
    """Returns the kernels for the instructions that this processor has."""
    with open("/proc/cpuinfo") as f:
        flags = next((line for line in f if line.startswith("flags")), "").split()
    return "SkylakeX" if "avx512dq" in flags else "Haswell" if "avx2" in flags else None


if "OPENBLAS_CORETYPE" not in os.environ and corename() in OLD and fitting():
    os.environ["OPENBLAS_CORETYPE"] = fitting()
    os.execv(sys.executable, [sys.executable, *sys.argv])
