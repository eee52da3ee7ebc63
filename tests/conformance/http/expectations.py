"""What scenarios must give that nobody has recorded.

Owns one value for each, with the wire facts that say it. Where the reference server does otherwise and no client can want that, the comment says what it does.
"""

from collections.abc import Mapping
from typing import Any

_JOKE = {"topic": "ice cream and cats", "joke": "这是一个关于 ice cream and cats 的笑话"}
_EARLIER = [["loop", 1], ["loop", None], ["input", None]]
"""The states that the run before has left: it is in all histories of `meetings`."""
_CUT_SHORT = [["loop", 1], ["input", 1]]
"""Those of a run that was cancelled in its first node, which has not changed what the run before had done."""


def _ran(n: int, before: int) -> list[list[Any]]:
    return [["loop", n], ["loop", before], ["input", before]]


def _cancelled(answer: Any) -> dict[str, Any]:
    """Facts 62, 64 and 69: it is interrupted, so is its thread, and a second cancel finds nothing."""
    return {
        "answer": answer,
        "joined": 200,
        "again": 404,
        "run": "interrupted",
        "thread": {"status": "interrupted", "values": {"n": 3000, "delay": 0.02, "done": 1}, "error": "UserInterrupt"},
        "next": ["work"],
        "as before": False,
        "steps": [*_CUT_SHORT, *_EARLIER],
    }


_MEETINGS: Mapping[str, Any] = {
    # Fact 66: in the order in which they were created.
    "meeting_enqueue": {
        "answer": 200,
        "runs": ["success", "success", "success"],
        "thread": {"status": "idle", "values": {"n": 3, "delay": 0.02, "done": 3}, "error": None},
        "steps": [*_ran(3, 2), *_ran(2, 20), *_ran(20, 1), *_EARLIER],
    },
    # Fact 66: nothing is created, and the others go on.
    "meeting_reject": {
        "answer": 409,
        "runs": ["success", "success"],
        "thread": {"status": "idle", "values": {"n": 2, "delay": 0.02, "done": 2}, "error": None},
        "steps": [*_ran(2, 20), *_ran(20, 1), *_EARLIER],
    },
    # Facts 62 and 66: the one that waited is cancelled too, and what the first has done stays.
    "meeting_interrupt": {
        "answer": 200,
        "runs": ["interrupted", "interrupted", "success"],
        "thread": {"status": "idle", "values": {"n": 3, "delay": 0.02, "done": 3}, "error": None},
        "steps": [*_ran(3, 1), *_CUT_SHORT, *_EARLIER],
    },
    # Facts 63 and 66: they are gone, as if they had never been: the delay that the first was given is not in the values.
    "meeting_rollback": {
        "answer": 200,
        "runs": [404, 404, "success"],
        "thread": {"status": "idle", "values": {"n": 3, "done": 3}, "error": None},
        "steps": [*_ran(3, 1), *_EARLIER],
    },
    "cancel": _cancelled({"status": 202, "body": ""}),
    "cancel_and_wait": _cancelled({"status": 200, "body": {}}),
    # Fact 63: run and checkpoints are gone; the values are those before, and the thread says why.
    "cancel_with_rollback": {
        "answer": {"status": 200, "body": {}},
        "joined": 200,
        "again": 404,
        "run": 404,
        "thread": {"status": "idle", "values": {"n": 1, "done": 1}, "error": "UserRollback"},
        "next": [],
        "as before": True,
        "steps": _EARLIER,
    },
    # Facts 25 and 69.
    "cancel_ends_the_stream_without_an_error": {"more events": [], "joined": {"status": 200, "body": {}}},
    # Facts 63 and 66: one that is rolled back before its turn disappears at once.
    "cancel_pending": {
        "answers": [{"status": 200, "body": {}}, {"status": 200, "body": {}}],
        "at once": [200, 404],
        "runs": ["success", "interrupted", 404],
        "thread": {"status": "idle", "values": {"n": 20, "delay": 0.02, "done": 20}, "error": None},
    },
    # Fact 65: by status and ids is 422, by ids 204, nothing 404.
    "cancel_many": {"asked": [422, 204], "nothing": 404, "runs": ["interrupted", "interrupted", "success"]},
    # A6, after_seconds; facts 60 and 66.
    "start_later": {
        "created": "pending",
        "thread": "busy",
        "soon": 2,
        "between": "pending",
        "ended": "success",
        "left": {"status": "idle", "values": {"n": 1, "done": 1}, "error": None},
    },
    # A6, after_seconds: who waits, waits so much longer.
    "start_later_stateless": {"status": 200, "body": _JOKE},
}

_ANSWERS: Mapping[str, Any] = {
    # Facts 69 and 76.
    "answer_one": {
        "asked": [{"question": "approve launch?"}],
        "answered": ["prepared", "asked", "acted on yes"],
        "stateless": 400,
    },
    # Facts 22 and 61.
    "answer_by_id": {"log": ["prepared", "asked", "acted on no"], "thread": "idle"},
    # Facts 22, 61 and 69: what is not answered is asked again.
    "answer_two_by_id": {
        "asked": ["left?", "right?"],
        "both": ["left 1", "right 2"],
        "left to ask": ["left?"],
        "between": "interrupted",
        "second": ["left 1", "right 2"],
    },
    # A6, command: all of it at once.
    "answer_with_an_update": {"log": ["prepared", "told", "asked", "acted on yes"]},
    # A6, command.
    "go_to_a_node": {"log": ["prepared", "acted on mine"], "decision": "mine"},
    # Fact 71.
    "fork_from_a_checkpoint": {
        "events": [
            [{"generate_joke": {"joke": "这是一个关于 tea 的笑话"}}],
            [{"generate_joke": {"joke": _JOKE["joke"]}}],
        ],
        "state": _JOKE,
        "kept": True,
        "no uuid": 422,
        "unknown": 404,
    },
    # Fact 67.
    "edit_a_state": {
        "unknown node": 400,
        "next": ["act"],
        "log": ["prepared", "edited", "acted on mine"],
        "no graph": 400,
    },
    # A3, bulk supersteps at create: each is a checkpoint, and the graph goes on behind the last.
    "begin_with_supersteps": {
        "made": 200,
        "states": [
            [["ask"], {"request": "launch", "log": ["prepared elsewhere"]}],
            [["prepare"], {"request": "launch", "log": []}],
            [["__start__"], {"log": []}],
        ],
        "asked": [{"question": "approve launch?"}],
    },
    # Fact 79 has 201 with a detail; ours refuses, as for a single change (fact 67), and no thread is left.
    "begin_with_wrong_supersteps": {"made": 400, "thread": 404},
    # Fact 70.
    "history_in_parts": {
        "whole": [6, 5, 4, 3, 2, 1, 0, -1],
        "default": [6],
        "three": [6, 5, 4],
        "before": [2, 1, 0, -1],
        "before by id": [2, 1, 0, -1],
        "inputs": [3, -1],
        "of one run": [2, 1, 0, -1],
        "of one run before": [2, 1],
        "of nobody": [],
    },
    # A3, copy: runs are not copied, questions are.
    "copy_a_conversation": {
        "logs": [["prepared", "asked", "acted on yes"], ["prepared", "asked", "acted on no"]],
        "runs": 1,
    },
}

_WELL = [["metadata", None], ["updates", None], ["updates", None], ["metadata", "run_done"]]
_BADLY = [["metadata", None], ["updates", None], ["error", None], ["metadata", "run_done"]]
_FAILURE = {"error": "ValueError", "message": "this node always fails"}

_READERS: Mapping[str, Any] = {
    # Facts 10, 11, 29 and 30. Fact 33: the reference server gives several events one id, and loses the rest.
    "replay_of_a_run_that_has_ended": {
        "names": ["metadata", *["custom"] * 12],
        "all have ids": True,
        "ids are different": True,
        "whole": [True, True, True],
        "behind each": list(range(12, -1, -1)),
        "live": [],
    },
    # Fact 31: the metadata, and behind it all twenty.
    "replay_goes_on_live": list(range(21)),
    # Facts 34 and 37: the reference server replays no error, and its filter hides it.
    "replay_of_a_failed_run": {"whole": ["metadata", "updates", "error"], "filtered": ["metadata", "error"]},
    # Facts 10 and 31.
    "no_ids_and_no_replay_unless_asked_for": {"ids": [None], "replayed": []},
    # Facts 42 and 43.
    "watch_a_thread": {
        "runs": [_WELL, _WELL, _BADLY],
        "same run": [True, True, True],
        "all have ids": True,
        "again": [*_WELL, *_BADLY],
        "without a seam": True,
    },
    # Fact 44.
    "watch_starts_and_ends": [["metadata", None], ["metadata", "run_done"]],
    # Facts 30 and 41.
    "watch_refuses_what_no_event_has": [422, 422, 422],
    # Facts 21, 61 and 69.
    "wait_for_each_kind_of_end": {
        "well": {"status": 200, "body": _JOKE, "joined alike": True},
        "failed": {"status": 200, "body": {"__error__": _FAILURE}, "joined alike": True},
        "asked": {
            "status": 200,
            "body": {
                "request": "launch",
                "log": ["prepared"],
                "__interrupt__": [
                    {"value": {"question": "approve launch?"}, "id": "<interrupt>", "response_schema": None}
                ],
            },
            "joined alike": True,
        },
        "stopped": {"status": 200, "body": {"topic": "ice cream and cats"}, "joined alike": True},
    },
}

EXPECTATIONS: Mapping[str, Any] = {**_MEETINGS, **_ANSWERS, **_READERS}
"""By scenario."""
