"""Checkpoints in memory.

Owns what LangGraph's own memory saver lacks for a server that lives long: deleting a thread costs what the thread holds, not what
all threads hold, a look at an unknown thread leaves nothing behind, a thread can be copied, and what a run has left can be taken back.
"""

import builtins
import copy
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.base import SerializerProtocol

from graphwire_server.core.model import Run
from graphwire_server.storage.latest import Stays, stays

_WriteKey = tuple[str, str, str]
_BlobKey = tuple[str, str, str, str | int | float]
_Writes = dict[tuple[str, int], tuple[str, str, tuple[str, bytes], str]]


class MemorySaver(InMemorySaver):
    """LangGraph's memory saver, with an index of what belongs to which thread.

    Args:
        serde: How checkpoints become bytes; LangGraph's own by default.
    """

    def __init__(self, *, serde: SerializerProtocol | None = None) -> None:
        super().__init__(serde=serde)
        self._write_keys: dict[str, set[_WriteKey]] = {}
        self._blob_keys: dict[str, set[_BlobKey]] = {}
        self._preserved: dict[str, dict[_WriteKey, _Writes]] = {}
        self._run_id: str | None = None

    def for_run(self, run: Run) -> "MemorySaver":
        """The saver, as one run writes through it: what it changes can be taken back. It shares all that is kept."""
        bound = copy.copy(self)
        bound._run_id = run.run_id  # noqa: SLF001  its own copy
        return bound

    def undo_run(self, run_id: str, thread_id: str) -> None:
        """Removes the checkpoints that a run has made, and puts back the writes on those of others. Once is as good as twice."""
        for key, writes in self._preserved.get(run_id, {}).items():
            self.writes[key] = dict(writes)
        for ns, checkpoints in self.storage.get(thread_id, {}).items():
            for checkpoint_id in sorted(checkpoints, reverse=True):
                if self.serde.loads_typed(checkpoints[checkpoint_id][1]).get("run_id") != run_id:
                    break
                del checkpoints[checkpoint_id]
                self.writes.pop((thread_id, ns, checkpoint_id), None)

    def forget_run(self, run_id: str) -> None:
        """Drops what is remembered to undo a run that has ended."""
        self._preserved.pop(run_id, None)

    def last_checkpoint_id(self, thread_id: str) -> str | None:
        """The newest checkpoint of the thread's root graph, or None."""
        return max(self._checkpoint_ids(thread_id, ""), default=None)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that is meant, or None."""
        configurable = config["configurable"]
        # The library looks into default dictionaries, which would keep an entry for every thread that was ever asked for.
        if not self._checkpoint_ids(configurable["thread_id"], configurable.get("checkpoint_ns", "")):
            return None
        return super().get_tuple(config)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the library's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """The checkpoints that are meant, the newest first."""
        if config is not None and config["configurable"]["thread_id"] not in self.storage:
            return iter(())
        return super().list(config, filter=filter, before=before, limit=limit)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keeps a checkpoint."""
        stored = super().put(config, checkpoint, metadata, new_versions)
        thread_id, ns = config["configurable"]["thread_id"], config["configurable"]["checkpoint_ns"]
        keys = self._blob_keys.setdefault(thread_id, set())
        keys.update((thread_id, ns, channel, version) for channel, version in new_versions.items())
        return stored

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keeps what a task has written on top of a checkpoint."""
        configurable = config["configurable"]
        thread_id = configurable["thread_id"]
        key = (thread_id, configurable.get("checkpoint_ns", ""), configurable["checkpoint_id"])
        if self._run_id is not None:
            # Those of the run's own checkpoints too: they go with them.
            self._preserved.setdefault(self._run_id, {}).setdefault(key, dict(self.writes.get(key, {})))
        super().put_writes(config, writes, task_id, task_path)
        self._write_keys.setdefault(thread_id, set()).add(key)

    def delete_thread(self, thread_id: str) -> None:
        """Deletes all that a thread has left; nothing happens where it has nothing."""
        self.storage.pop(thread_id, None)
        for write_key in self._write_keys.pop(thread_id, ()):
            self.writes.pop(write_key, None)
        for blob_key in self._blob_keys.pop(thread_id, ()):
            self.blobs.pop(blob_key, None)

    def latest_values(self, thread_id: str) -> dict[str, Any]:
        """The values of the channels of a thread's latest checkpoint; none where it has none."""
        found = self.get_tuple({"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}})
        return {} if found is None else found.checkpoint["channel_values"]

    def keep_latest(self, thread_id: str) -> None:
        """Removes the checkpoints of a thread that nobody needs to go on from its latest state."""
        root_id = self.last_checkpoint_id(thread_id)
        for ns, checkpoints in [*self.storage.get(thread_id, {}).items()]:
            newest = max(checkpoints, default=None)
            if newest is None:
                continue
            kept = stays(ns, self.serde.loads_typed(checkpoints[newest][1]), root_id)
            if kept is Stays.ALL:
                continue
            last = checkpoints[newest]
            self._drop(thread_id, ns, [id_ for id_ in checkpoints if kept is Stays.NOTHING or id_ != newest])
            if kept is Stays.NEWEST:
                checkpoints[newest] = (*last[:2], None)

    def _drop(self, thread_id: str, ns: str, checkpoint_ids: Sequence[str]) -> None:
        """Removes checkpoints of a namespace, the writes on top of them, and the values that none of those that stay has."""
        checkpoints = self.storage[thread_id][ns]
        for checkpoint_id in checkpoint_ids:
            del checkpoints[checkpoint_id]
            self.writes.pop((thread_id, ns, checkpoint_id), None)
            self._write_keys.get(thread_id, set()).discard((thread_id, ns, checkpoint_id))
        if not checkpoints:
            del self.storage[thread_id][ns]
        versions = [self.serde.loads_typed(stored[0])["channel_versions"] for stored in checkpoints.values()]
        used = {(thread_id, ns, *item) for each in versions for item in each.items()}
        keys = self._blob_keys.get(thread_id, set())
        for key in [key for key in keys if key[1] == ns and key not in used]:
            keys.discard(key)
            self.blobs.pop(key, None)

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copies all that a thread has left to one that has nothing. Both share the bytes, which nobody changes."""
        for ns, checkpoints in self.storage.get(source_thread_id, {}).items():
            self.storage[target_thread_id][ns] = dict(checkpoints)
        for _, ns, checkpoint_id in self._write_keys.get(source_thread_id, ()):
            self.writes[target_thread_id, ns, checkpoint_id] = dict(self.writes[source_thread_id, ns, checkpoint_id])
            self._write_keys.setdefault(target_thread_id, set()).add((target_thread_id, ns, checkpoint_id))
        for _, ns, channel, version in self._blob_keys.get(source_thread_id, ()):
            self.blobs[target_thread_id, ns, channel, version] = self.blobs[source_thread_id, ns, channel, version]
            self._blob_keys.setdefault(target_thread_id, set()).add((target_thread_id, ns, channel, version))

    def _checkpoint_ids(self, thread_id: str, ns: str) -> builtins.list[str]:
        return [*self.storage.get(thread_id, {}).get(ns, ())]
