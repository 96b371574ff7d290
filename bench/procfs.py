"""What Linux says about processes: memory, CPU, threads, how many started."""

import pathlib

PROC = pathlib.Path("/proc")


def memory(pid):
    """Resident and private dirty memory in KiB."""
    fields = {}
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == "kB":
            fields[words[0]] = int(words[1])
    return fields["Rss:"], fields["Private_Dirty:"]


def peak(pid):
    """The most KiB that were ever resident; 0 once the process has ended."""
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def threads(pid):
    return len(list((PROC / str(pid) / "task").iterdir()))


def cpu(pid):
    """Seconds of CPU that the living threads have used, in nanoseconds' steps."""
    total = 0
    for task in (PROC / str(pid) / "task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def started():
    """A counter that grows by one with each new process or thread.

    Exact in a pid namespace of our own; else everything on the machine counts.
    """
    return int((PROC / "sys/kernel/ns_last_pid").read_text())
