"""What is under load.

Owns the addresses of a server, and what its process costs where it is ours.
"""

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server under load.

    Attributes:
        address: The host and port of its gRPC face; empty where it has none.
        url: Where its HTTP face is.
        pid: Its process; 0 where it is not ours.
        started: Seconds from the command to its ready line; 0 where it is not ours.
    """

    address: str
    url: str
    pid: int
    started: float = 0.0

    def memory(self) -> float:
        """The memory that the process holds, in MiB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the server's process is gone")

    def cpu(self) -> float:
        """Seconds of CPU that the process has used so far, all of its threads, to the nanosecond."""
        # The clock of another process's CPU time, as clock_getcpuclockid(3) makes its number on Linux.
        return time.clock_gettime((~self.pid << 3) | 2)
