"""The one table of scenarios."""

from tests.parity.assistants import ASSISTANTS
from tests.parity.crons import CRONS
from tests.parity.hooks import HOOKS
from tests.parity.keeping import KEEPING
from tests.parity.lives import LIVES
from tests.parity.readings import READINGS
from tests.parity.refusals import REFUSALS
from tests.parity.results import RESULTS
from tests.parity.store import STORE
from tests.parity.streams import STREAMS

SCENARIOS = (*STREAMS, *READINGS, *REFUSALS, *RESULTS, *LIVES, *HOOKS, *ASSISTANTS, *CRONS, *STORE, *KEEPING)
