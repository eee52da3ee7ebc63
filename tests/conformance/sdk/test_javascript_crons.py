"""Crons, through the JavaScript SDK: every public method of it."""

import pytest

from tests.conformance.sdk.javascript import SDKS, script
from tests.support.serving import Server


@pytest.mark.parametrize("package", SDKS)
async def test_crons(server: Server, package: str) -> None:
    told = {kind: values[0] for kind, values in (await script("crons", package, server.url)).items()}

    made, on_thread = told["made"], told["on thread"]
    assert (made["thread_id"], made["on_run_completed"], made["enabled"]) == (None, "keep", True)
    assert made["payload"]["input"] == {"topic": "ice"}
    assert on_thread["thread_id"] is not None
    assert {made["cron_id"], on_thread["cron_id"]} <= {cron["cron_id"] for cron in told["found"]}
    assert told["chosen"] == [{"schedule": "0 9 1 1 *"}]
    assert told["count"] - told["left"] == 1
    if package == SDKS[0]:  # the older one neither searches by metadata nor sorts
        assert (told["found"], told["count"]) == ([made, on_thread], 2)
    if told["changes"]:
        changed = told["changed"]
        assert (changed["schedule"], changed["end_time"], changed["enabled"]) == ("@daily", None, False)
        assert (changed["payload"]["input"], changed["on_run_completed"]) == ({"topic": "snow"}, "delete")
    assert (told["wrong"]["status"], told["gone"]["status"]) == (422, 404)
    assert "schedule" in told["wrong"]["text"]
