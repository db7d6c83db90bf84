"""A kernel in bubblewrap: no network, its own processes, and Python and this package read-only.

Nothing else of the disk is there to be read: no sources with the hidden tests, no gradebook, no other
submission. The kernel talks to the grader over Unix sockets in a folder of its own: all of the disk that it
can write, and the grader reads no file there. Without bubblewrap the same kernel starts bare, with the same
limits on time and memory, and nothing else in its way: `grade` does that only when told to.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from .course import Course

MB = 2**20
CPU_SECONDS = 600
# Of one process; more is a MemoryError. torch alone asks for 2,000 MB, and uses a third of them.
DATA = 3_500 * MB
PROCESSES = 256  # with threads; of the sandbox alone. For root, Linux does not count: `run` does
SCRATCH = 256 * MB  # of each folder that can be written: those in memory, and the sockets' on the disk
BLOCK = 4096  # bytes that an empty file takes of the disk, at most
NAME = "grading"

SYSTEM = [
    "/usr",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/fonts",
]
# Settings of the machine itself: where root grades, it is still root that would write them.
SETTINGS = ["/proc/sys", "/proc/sysrq-trigger", "/proc/fs"]
LINKS = ["/bin", "/sbin", "/lib", "/lib32", "/lib64"]


def bubblewrap(course: Course, box: Path) -> list[str]:
    """The command that a sandboxed program's own follows; `box`, with the sockets, is all it shares."""
    package = Path(__file__).parents[1]
    python = [Path(sys.prefix), Path(sys.base_prefix), package]
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    for path in SYSTEM:
        command += ["--ro-bind-try", path, path]
    for path in LINKS:
        command += (
            ["--symlink", os.readlink(path), path] if os.path.islink(path) else ["--ro-bind-try", path, path]
        )
    command += ["--proc", "/proc", "--dev", "/dev"]
    for path in SETTINGS:
        command += ["--ro-bind-try", path, path]
    for path in ["/tmp", "/dev/shm"]:
        command += [*_sized(), "--tmpfs", path]
    for path in python:  # after /tmp, since it may lie there
        if not path.is_relative_to("/usr"):
            command += ["--ro-bind", str(path), str(path)]
    command += [*_sized(), "--tmpfs", str(course.root.resolve())]  # hides a course that lies under Python's
    command += ["--dir", "/tmp/home", "--bind", str(box), str(box)]
    command += ["--remount-ro", "/dev", "--remount-ro", "/"]
    if os.geteuid() == 0:  # only then would it keep them, and could mount /usr anew, writable
        command += ["--cap-drop", "ALL"]
    for name, value in environment().items():
        command += ["--setenv", name, value]
    return [*command, "--chdir", "/tmp/home", "--"]


def environment() -> dict[str, str]:
    """All that a sandboxed kernel gets to know: nothing of the grader's own environment."""
    return {
        "HOME": "/tmp/home",
        "USER": "student",
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",  # several submissions run beside each other
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


@lru_cache
def _sized() -> list[str]:
    """bubblewrap limits the size of a tmpfs since 0.7."""
    told = subprocess.run(["bwrap", "--help"], capture_output=True, text=True).stdout
    return ["--size", str(SCRATCH)] if "--size" in told else []


def trouble(course: Course, folder: Path) -> str:
    """Why there can be no sandbox here; empty where a program ran in one."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian and Ubuntu: sudo apt install bubblewrap; Linux only)"
    command = [
        *bubblewrap(course, folder),
        sys.executable,
        "-c",
        "import pedagogy.grading.kernel; print('in')",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.stdout.strip() != "in":
        return f"bubblewrap is installed, but does not run here: {done.stderr.strip()[-500:]}"
    return ""


def box_of(folder: Path) -> Path:
    """The sockets' place in a submission's folder: student code can write it, and nothing else there."""
    return folder / "b"


def filled(box: Path, processes: Iterable[int]) -> float:
    """Bytes that student code takes in files that no limit knows: in `box`, or without a name and still open.

    A folder in `box` counts as any amount, since it could hide that much.
    """
    files: dict[tuple[int, int], int] = {}
    if not box.is_dir():  # not made yet, or emptied
        return 0
    try:
        for found in _found(box, follow=False):
            if stat.S_ISDIR(found.st_mode) or len(files) * BLOCK > SCRATCH:
                return math.inf
            files[found.st_dev, found.st_ino] = max(found.st_blocks * 512, BLOCK)
    except OSError:  # made unreadable
        return math.inf
    for process in processes:
        with suppress(OSError):  # it has ended
            for found in _found(f"/proc/{process}/fd", follow=True):
                if stat.S_ISREG(found.st_mode) and not found.st_nlink:
                    files[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(files.values())


def _found(folder: Path | str, follow: bool) -> Iterator[os.stat_result]:
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # it went just now
                yield entry.stat(follow_symlinks=follow)


def write_kernelspec(course: Course, folder: Path, sandboxed: bool) -> dict[str, dict]:
    """A kernelspec for JUPYTER_PATH=`folder`, and nbgrader's settings to use it over Unix sockets there.

    What the grading process reads as its own lies outside the box: kernelspecs, and nbconvert's templates,
    which it would look for in `folder` first and which are programs.
    """
    box = box_of(folder)
    box.mkdir()
    limits = [str(CPU_SECONDS), str(DATA), str(PROCESSES if sandboxed else 2**20)]
    kernel = [sys.executable, "-m", "pedagogy.grading.kernel", *limits, "-f", "{connection_file}"]
    spec = {
        "argv": [*(bubblewrap(course, box) if sandboxed else []), *kernel],
        "display_name": NAME,
        "language": "python",
        "interrupt_mode": "message",  # a signal would not reach through bubblewrap
        "env": {} if sandboxed else {"OMP_NUM_THREADS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"},
    }
    home = folder / "kernels" / NAME
    home.mkdir(parents=True)
    (home / "kernel.json").write_text(json.dumps(spec))
    return {
        "Run": {"kernel_name": NAME},
        "KernelManager": {
            "transport": "ipc",
            "ip": str(box / "k"),
            "connection_file": str(box / "k.json"),
        },
    }
