"""One server for the rows that need none of their own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.parity.face import Face
from tests.parity.faces import both_faces


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Face, Face]]:
    async with both_faces(tmp_path_factory.mktemp("parity")) as faces:
        yield faces
