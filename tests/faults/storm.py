"""Many clients at once, on a server that dies again and again.

Owns what they do: each repeats one scenario, on threads of its own, and judges what it saw when the scenario is over. What breaks a promise is collected, not
raised, so that one defect does not hide another.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration

from graphwire.v1.run_pb2 import (
    CANCEL_ACTION_INTERRUPT,
    CANCEL_ACTION_ROLLBACK,
    DURABILITY_ASYNC,
    DURABILITY_EXIT,
    DURABILITY_SYNC,
    RUN_STATUS_INTERRUPTED,
    RUN_STATUS_SUCCESS,
    Command,
    Durability,
    Run,
)
from tests.faults import promises
from tests.faults.client import new_thread
from tests.faults.history import History
from tests.faults.http import returning as http
from tests.faults.http.talk import run
from tests.faults.lives import Lives
from tests.faults.returning import Refused, Returning
from tests.support.serving import text

PATIENCE = timedelta(seconds=240)
"""How long scenarios may take to come to their end once the server no longer dies. What takes longer hangs."""

STEPS = ["a", "b", "c", "x", "y", "z"]


@dataclass(slots=True)
class Figures:
    """What the clients of a storm have seen, and what was wrong with it."""

    scenarios: int = 0
    runs: int = 0
    executing: list[int] = field(default_factory=list)
    taken_up: int = 0
    most_attempts: int = 0
    unseen: int = 0
    told_gone: int = 0
    events: int = 0
    calls: int = 0
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.runs} runs in {self.scenarios} scenarios, {min(self.executing)} to {max(self.executing)} executing before the server died, {self.taken_up} of them taken up again (most attempts {self.most_attempts}), "
            f"{self.unseen} stateless ones ended unseen, {self.told_gone} readers told that what a dead server alone knew is gone; "
            f"{self.events} events in {self.calls} streams judged, {len(self.broken)} scenarios broken"
        )


class Storm:
    """The clients of a storm.

    Args:
        lives: Their server.
        seed: Of all that is left to chance.
        pace: How long runs last: at 1 some seconds.
    """

    def __init__(self, lives: Lives, seed: int, pace: float = 1.0) -> None:
        self.lives = lives
        self.pace = pace
        self.chance = random.Random(seed)
        self.figures = Figures()
        self._over = False

    async def blow(self, clients: int, until: Callable[[], Awaitable[None]]) -> None:
        """Lets clients do their scenarios again and again until something is over, and then to their end.

        Args:
            clients: How many.
            until: What is done meanwhile.
        """
        tasks = {asyncio.create_task(self._client(number)): number for number in range(clients)}
        await until()
        self._over = True
        _, hanging = await asyncio.wait(tasks, timeout=PATIENCE.total_seconds())
        for task in hanging:
            task.cancel()
            self.figures.broken.append(f"{SCENARIOS[tasks[task] % len(SCENARIOS)].__name__} {tasks[task]}: hangs")
        await asyncio.wait(tasks)

    async def _client(self, number: int) -> None:
        scenario = SCENARIOS[number % len(SCENARIOS)]
        while not self._over:
            await self._play(scenario, f"{scenario.__name__} {number}")

    async def _play(self, scenario: "Scenario", name: str) -> None:
        try:
            await scenario(self, name)
        except (AssertionError, Refused) as error:
            self.figures.broken.append(f"{name}: {type(error).__name__} {error}")
        self.figures.scenarios += 1

    def reader(self, name: str) -> Returning:
        """A client that comes back."""
        return Returning(self.lives, name)

    def given(self, **fields: Any) -> dict[str, Any]:
        """An input that makes a run last for some seconds."""
        return {"n": self.chance.randrange(2, 5), "delay": self.chance.uniform(0.1, 0.35) * self.pace, **fields}

    def short(self, **fields: Any) -> dict[str, Any]:
        """One for a run that begins anew each time, and is to end all the same."""
        return self.given(delay=self.chance.uniform(0.02, 0.08), **fields)

    async def row(self, run_id: str) -> Run:
        """A run that has ended."""
        return await self.reader("row").ask(lambda client: client.finished(run_id))

    async def left(self, thread_id: str) -> list[str]:
        """What the nodes of a thread's runs have left."""
        return await self.reader("trail").ask(lambda client: client.trail(thread_id))

    def seen(self, readers: Sequence[Returning]) -> None:
        """Counts what readers saw."""
        self.figures.calls += sum(reader.calls for reader in readers)
        self.figures.events += sum(len(reader.history.seen) for reader in readers)

    async def judge(self, run_id: str, readers: Sequence[Returning], deaths: int, *, resumable: bool) -> Run:
        """Judges a run that has ended, by what its readers saw.

        Args:
            run_id: The run.
            readers: Those who read it to its end, from its beginning.
            deaths: How often the server had died when it was asked for.
            resumable: Whether its events are kept.
        """
        self.seen(readers)
        row, histories = await self.row(run_id), [reader.history for reader in readers]
        self.ended(row)
        promises.same_end(histories, row)
        promises.same_event_under_same_seq(histories)
        for reader in readers:
            self.judge_one(reader, resumable=resumable)
            if not reader.told_gone:
                promises.attempts_as_promised(reader.history, row, self.lives.deaths - deaths)
        return row

    def judge_one(self, reader: Returning, *, resumable: bool) -> None:
        """Judges what one reader saw of a run."""
        history = reader.history
        promises.ordered(history)
        promises.unique(history)
        promises.terminal_last_and_once(history)
        promises.attempts_rise(history, reader.told_gone)
        assert history.kinds[0] in {"metadata", "end"}, history.kinds
        if resumable:
            promises.complete(history)
            assert not reader.told_gone, f"{history.client} was told that events are gone: {reader.told_gone}"
        self.figures.told_gone += len(reader.told_gone)

    def ended(self, row: Run) -> None:
        """Counts a run that has ended."""
        self.figures.runs += 1
        self.figures.taken_up += row.attempt > 1
        self.figures.most_attempts = max(self.figures.most_attempts, row.attempt)


Scenario = Callable[[Storm, str], Awaitable[None]]


async def _ran(
    storm: Storm, name: str, graph: str, durability: "Durability.ValueType", wanted: list[str], *, resumable: bool
) -> None:
    """A run on a thread: one streams it, another follows it."""
    thread, deaths = new_thread(), storm.lives.deaths
    readers = [storm.reader(name), storm.reader(f"{name} follows")]
    fields = {"durability": durability, "stream_resumable": resumable, "request_id": str(uuid.uuid4())}
    given = storm.given()
    run = await readers[1].create(graph, thread, given, **fields)
    await asyncio.gather(readers[0].follow(run.run_id), readers[1].follow(run.run_id))
    row = await storm.judge(run.run_id, readers, deaths, resumable=resumable)
    assert row.status == RUN_STATUS_SUCCESS, row
    promises.each_node_once(name, await storm.left(thread), wanted)


async def on_a_thread_sync(storm: Storm, name: str) -> None:
    await _ran(storm, name, "steps", DURABILITY_SYNC, STEPS, resumable=True)


async def on_a_thread_async(storm: Storm, name: str) -> None:
    await _ran(storm, name, "steps", DURABILITY_ASYNC, STEPS, resumable=False)


async def on_a_thread_exit(storm: Storm, name: str) -> None:
    await _ran(storm, name, "steps", DURABILITY_EXIT, STEPS, resumable=True)


async def synchronous(storm: Storm, name: str) -> None:
    await _ran(storm, name, "blocky", DURABILITY_ASYNC, ["a", "b"], resumable=True)


async def streamed(storm: Storm, name: str) -> None:
    thread, deaths, reader = new_thread(), storm.lives.deaths, storm.reader(name)
    history = await reader.stream("steps", thread, storm.given(), stream_resumable=True)
    await storm.judge(history.run_id, [reader], deaths, resumable=True)
    promises.each_node_once(name, await storm.left(thread), STEPS)


async def stateless(storm: Storm, name: str) -> None:
    deaths, reader = storm.lives.deaths, storm.reader(name)
    run = await reader.create("steps", None, storm.short(), stream_resumable=True)
    await reader.follow(run.run_id)
    await storm.judge(run.run_id, [reader], deaths, resumable=True)


async def stateless_streamed(storm: Storm, name: str) -> None:
    """It leaves nothing: whoever comes back after its end is told that it is gone."""
    reader = storm.reader(name)
    try:
        await reader.stream("steps", None, storm.short())
    except Refused as refused:
        if not refused.gone:
            raise
        storm.figures.unseen += 1
        return
    storm.seen([reader])
    storm.figures.runs += 1
    storm.judge_one(reader, resumable=False)
    assert reader.history.seen[-1].event.end.status == RUN_STATUS_SUCCESS


async def watched(storm: Storm, name: str) -> None:
    """Three runs, and one who watches their thread."""
    watcher = storm.reader(f"{name} watches")
    thread = await watcher.ask(lambda client: client.new_thread())
    watching = asyncio.create_task(watcher.watch(thread))
    try:
        for _ in range(3):
            reader, deaths = storm.reader(name), storm.lives.deaths
            await reader.stream("steps", thread, storm.given(delay=0.03), stream_resumable=True)
            await storm.judge(reader.history.run_id, [reader, watcher_of(watcher, reader)], deaths, resumable=True)
        await watcher.reached(reader.history.last_seq)
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    storm.seen([watcher])
    promises.thread_complete([watcher.history], reader.history.last_seq)
    promises.ordered(watcher.history)
    promises.unique(watcher.history)


def watcher_of(watcher: Returning, reader: Returning) -> Returning:
    """What a watcher has seen so far of the run of a reader; all of it where it has come so far, else nothing."""
    made = Returning(watcher._lives, f"{watcher.history.client} so far")
    mine = [seen for seen in watcher.history.seen if seen.run_id == reader.history.run_id]
    made.history.seen = mine if mine and mine[-1].kind == "end" else list(reader.history.seen)
    return made


async def queued(storm: Storm, name: str) -> None:
    """Five runs on one thread, each behind the other."""
    thread, client = new_thread(), storm.reader(name)
    given = storm.given(n=1, delay=0.04)
    runs = [await client.create("steps", thread, {**given, "name": f"{number}"}) for number in range(5)]
    rows = await asyncio.gather(*(storm.row(run.run_id) for run in runs))
    for row in rows:
        storm.ended(row)
        assert row.status == RUN_STATUS_SUCCESS, row
    promises.in_turn(rows)
    promises.each_node_once(name, await storm.left(thread), [f"{run}{node}" for run in range(5) for node in STEPS])


async def delayed(storm: Storm, name: str) -> None:
    thread, deaths, reader = new_thread(), storm.lives.deaths, storm.reader(name)
    delay = Duration(nanos=400_000_000)
    run = await reader.create("steps", thread, storm.given(), stream_resumable=True, start_after=delay)
    await reader.follow(run.run_id)
    row = await storm.judge(run.run_id, [reader], deaths, resumable=True)
    assert row.start_time.ToDatetime() >= row.due_time.ToDatetime()


async def asking(storm: Storm, name: str) -> None:
    """A run that stops for a person, and one that goes on with the answer."""
    thread, deaths, reader = new_thread(), storm.lives.deaths, storm.reader(name)
    await reader.stream("approval", thread, {"name": "q"}, stream_resumable=True)
    await storm.judge(reader.history.run_id, [reader], deaths, resumable=True)
    assert len(reader.history.seen[-1].event.end.interrupts) == 1
    answers, deaths = storm.reader(f"{name} answers"), storm.lives.deaths
    await answers.stream("approval", thread, command=Command(resume=text('"yes"')), stream_resumable=True)
    await storm.judge(answers.history.run_id, [answers], deaths, resumable=True)
    promises.each_node_once(name, await storm.left(thread), ["q knocked", "answer yes"])


async def over_http(storm: Storm, name: str) -> None:
    """Over HTTP there is no terminal event: the stream ends well, with all ids up to it."""
    thread, reader = new_thread(), http.Returning(storm.lives)
    await reader.stream(thread, run("steps", storm.given(), stream_resumable=True, if_not_exists="create"))
    storm.figures.calls += reader.calls
    storm.figures.events += len(reader.frames)
    row = await storm.row(reader.path.rpartition("/")[2])
    storm.ended(row)
    promises.complete_ids(name, reader.ids, row.last_seq - 1)
    assert row.status == RUN_STATUS_SUCCESS, row
    promises.each_node_once(name, await storm.left(thread), STEPS)


async def cancelled(storm: Storm, name: str) -> None:
    await _cancelled(storm, name, rolled_back=False)


async def rolled_back(storm: Storm, name: str) -> None:
    await _cancelled(storm, name, rolled_back=True)


async def _cancelled(storm: Storm, name: str, *, rolled_back: bool) -> None:
    """One run leaves something, the next is cancelled somewhere, and does not come back."""
    thread = new_thread()
    first = await storm.reader(name).create("steps", thread, {"name": "1"})
    storm.ended(await storm.row(first.run_id))
    reader = storm.reader(f"{name} reads")
    run = await reader.create("steps", thread, storm.given(name="2"), stream_resumable=True)
    reading = asyncio.create_task(reader.follow(run.run_id))
    await asyncio.sleep(storm.chance.uniform(0, 3))  # a random moment, and no wait
    asked = await _ask_to_stop(storm, run.run_id, rolled_back=rolled_back)
    await asyncio.wait([reading])
    storm.figures.runs += 1
    storm.seen([reader])
    left = await storm.left(thread)
    if asked is not None:
        promises.stays_cancelled(reader.history, asked)
    if asked is not None and rolled_back:
        await _is_gone(storm, run.run_id, reading)
        promises.each_node_once(name, left, [f"1{node}" for node in STEPS])
    else:
        reading.result()
        row = await storm.row(run.run_id)
        promises.same_end([reader.history], row)
        storm.judge_one(reader, resumable=True)
        assert row.status in {RUN_STATUS_INTERRUPTED, RUN_STATUS_SUCCESS}


async def _ask_to_stop(storm: Storm, run_id: str, *, rolled_back: bool) -> float | None:
    """When the run was asked; None where it had ended."""
    action = CANCEL_ACTION_ROLLBACK if rolled_back else CANCEL_ACTION_INTERRUPT
    try:
        await storm.reader("cancels").cancelled(run_id, action=action, wait=storm.chance.random() < 0.3)
    except Refused as refused:
        if rolled_back and refused.gone:  # it was told before, by a server that died before it could answer
            return time.time()
        if refused.told.reason == "RUN_FINISHED":
            return None
        raise
    return time.time()


async def _is_gone(storm: Storm, run_id: str, reading: "asyncio.Task[History]") -> None:
    """Nobody finds a run that was rolled back; who read it saw its end, unless it was gone before."""
    error = reading.exception()
    if error is None:
        assert reading.result().seen[-1].event.end.status == RUN_STATUS_INTERRUPTED
    elif not (isinstance(error, Refused) and error.gone):
        raise error
    if (row := await _found(storm, run_id)) is not None:
        raise promises.Broken("rolled back", run_id, row.last_seq, f"is still there with status {row.status}")


async def _found(storm: Storm, run_id: str) -> Run | None:
    try:
        return await storm.row(run_id)
    except Refused as refused:
        if refused.gone:
            return None
        raise


SCENARIOS: Sequence[Scenario] = (
    on_a_thread_sync,
    on_a_thread_async,
    on_a_thread_exit,
    synchronous,
    streamed,
    stateless,
    stateless_streamed,
    watched,
    queued,
    delayed,
    asking,
    over_http,
    cancelled,
    rolled_back,
)
