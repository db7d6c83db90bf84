"""Run notebooks top to bottom, headless, each in its own folder; nothing is written back.

Usage: python tests/notebooks/run.py [NAME ...]    every notebook of the course in order, or those named:
a path, or a part of a name such as "00". Exits 1 at the first failing cell and shows it, 2 on a wrong name.
"""

import sys
import time

import nbformat

from pedagogy.publish import execute


def main(names: list[str]) -> int:
    """Run the notebooks with a progress line each; the exit status."""
    try:
        paths = execute.find(names)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for number, path in enumerate(paths, start=1):
        print(f"[{number}/{len(paths)}] {path.name} ...", end=" ", flush=True)
        start = time.perf_counter()
        try:
            execute.run(nbformat.read(path, as_version=4), path.name, path.parent)
        except execute.CellFailed as error:
            print(f"FAILED after {time.perf_counter() - start:.1f} s", flush=True)
            print(error, file=sys.stderr)
            return 1
        print(f"ok, {time.perf_counter() - start:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
