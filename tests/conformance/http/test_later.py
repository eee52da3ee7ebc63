"""What this version does not offer answers 501 and names it, and creates nothing."""

import pytest

from tests.conformance.http.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "00000000-0000-4000-8000-000000000000"
PATHS = [
    ("GET", f"/threads/{NOBODY}/storage"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_paths(api: Api, method: str, path: str) -> None:
    answer = await api.client.request(method, path, json={})

    assert (answer.status_code, answer.json()["code"]) == (501, "NOT_OFFERED")
    assert "is not offered by this version" in answer.json()["detail"]


async def test_a_run_that_starts_at_once_may_say_so(api: Api) -> None:
    body = {"assistant_id": "joke", "input": {"topic": "ice"}, "after_seconds": 0, "feedback_keys": ["liked"]}

    assert (await api.post("/runs/wait", body))["topic"] == "ice and cats"
