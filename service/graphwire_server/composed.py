"""What the composition root hands to those that make the faces.

Owns its shape alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from graphwire_server.core.assistants import Assistants
from graphwire_server.core.crons import Crons
from graphwire_server.core.items import Items
from graphwire_server.core.pruning import Pruning
from graphwire_server.core.runs import Runs
from graphwire_server.core.streams import Streams
from graphwire_server.core.tally import Load, Tally
from graphwire_server.core.threads import Threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What both faces stand on."""

    runs: Runs
    threads: Threads
    pruning: Pruning
    assistants: Assistants
    items: Items
    crons: Crons
    streams: Streams
    tally: Tally
    load: Callable[[], Load]
