"""The document and the routes say the same: schemathesis makes requests from /openapi.json, right ones and wrong ones, and holds each answer to it.

An ordinary run makes some thousands of requests, always the same. `HTTP_FUZZ_EXAMPLES=150` asks for 150 random ones of each operation beside those at the
bounds of their schemas, more than ten thousand in all, and prints how many there were and how the server's memory grew:

    HTTP_FUZZ_EXAMPLES=150 python -m pytest -s tests/faults/http/test_openapi.py
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.faults import promises
from tests.faults.http.held import open_files
from tests.faults.http.talk import goes_on
from tests.faults.process import ServerProcess, served

EXAMPLES = int(os.environ.get("HTTP_FUZZ_EXAMPLES", "3"))
LARGE = EXAMPLES > 10
MINUTES = 30 if LARGE else 10
GROWTH = 120 << 20
"""What thousands of requests may leave: threads and runs that they made, the pages of SQLite, and what is imported at the first request of a kind."""

COMMAND = Path(sys.executable).parent / "schemathesis"
SETTINGS = Path(__file__).parent / "schemathesis.toml"
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "negative_data_rejection",
)  # fmt: skip


def _command(url: str, report: Path) -> list[str]:
    options = [
        "--phases",
        "coverage,fuzzing",
        "-n",
        str(EXAMPLES),
        "--seed",
        "7",
        "--generation-database",
        "none",
        "--no-shrink",
    ]
    asked = ["--checks", ",".join(CHECKS), "--request-timeout", "10", "--continue-on-failure", "--warnings", "off"]
    out = ["--report", "json", "--report-json-path", str(report)]
    return [
        str(COMMAND),
        "--no-color",
        "--config-file",
        str(SETTINGS),
        "run",
        f"{url}/openapi.json",
        *options,
        *asked,
        *out,
    ]


async def _said(process: ServerProcess, report: Path) -> tuple[int, str]:
    """The exit status and the words of schemathesis."""
    running = await asyncio.create_subprocess_exec(
        *_command(process.url, report),
        cwd=report.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await running.communicate()
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
    assert running.returncode is not None
    return running.returncode, said.decode()


@pytest.mark.timeout(MINUTES * 60)  # some thousands of requests, made one after the other
async def test_every_answer_is_as_the_document_says(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    async with served(tmp_path / "data", max_request_bytes=str(1 << 20)) as process:
        files, before = open_files(process.pid), process.rss
        status, said = await _said(process, report)
        await goes_on(process.url)
        after, left = process.rss, open_files(process.pid)

    counts = json.loads(report.read_text())["test_cases"]
    print(f"{counts}; memory {before >> 20} to {after >> 20} MiB, open files {files} to {left}")
    assert status == 0, said
    assert counts["generated"] > 1000
    assert "Traceback" not in process.log
    promises.memory_is_bounded(before, [after], GROWTH)
