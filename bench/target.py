"""What is under load.

Owns the addresses of a server, and its memory where it is ours.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server under load.

    Attributes:
        address: The host and port of its gRPC face; empty where it has none.
        url: Where its HTTP face is.
        pid: Its process; 0 where it is not ours.
    """

    address: str
    url: str
    pid: int

    def memory(self) -> float:
        """The memory that the process holds, in MiB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the server's process is gone")
