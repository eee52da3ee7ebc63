"""What `make protos` writes, made once."""

import tarfile
from pathlib import Path

import pytest

from tools.protos import write


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The descriptor set, and the tarball."""
    binpb, tarball = write(tmp_path_factory.mktemp("dist"))
    return binpb, tarball


@pytest.fixture
def unpacked(artefacts: tuple[Path, Path], tmp_path: Path) -> Path:
    """The folder in the tarball, far from the project."""
    with tarfile.open(artefacts[1]) as tar:
        tar.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    return folder
