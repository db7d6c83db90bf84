"""The kernel a student's code runs in: limits first, which it cannot raise again, then ipykernel as it is.

Started as `python -m pedagogy.grading.kernel CPU_SECONDS MEMORY PROCESSES -f CONNECTION_FILE …`.
"""

import sys


def limit(cpu: int, memory: int, processes: int) -> None:
    """Set what limits this system knows: processor seconds, bytes asked for, processes with threads."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for name, value in [("CPU", cpu), ("DATA", memory), ("NPROC", processes), ("FSIZE", memory), ("CORE", 0)]:
        what = getattr(resource, f"RLIMIT_{name}", None)
        if what is None or (name in ("DATA", "NPROC") and sys.platform == "darwin"):  # they mean less there
            continue
        hard = resource.getrlimit(what)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))


if __name__ == "__main__":
    limit(*map(int, sys.argv[1:4]))
    del sys.argv[1:4]
    from ipykernel.kernelapp import launch_new_instance

    sys.argv.append("--HistoryManager.enabled=False")
    launch_new_instance()
