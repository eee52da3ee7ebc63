"""What `make protos` writes is whole, and the same whenever it is made."""

import gzip
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from tools.protos import ROOT, version

Artefacts = tuple[Path, Path]
SOURCES = {str(path.relative_to(ROOT / "protos")): path.read_bytes() for path in (ROOT / "protos").rglob("*.proto")}
IMPORTED = {f"google/protobuf/{name}.proto" for name in ("any", "duration", "field_mask", "struct", "timestamp")}
DETAILS = {"google/rpc/error_details.proto", "google/rpc/status.proto"}


def test_their_names_have_the_version(artefacts: Artefacts) -> None:
    assert [path.name for path in artefacts] == [
        f"graphwire-protos-{version()}.binpb",
        f"graphwire-protos-{version()}.tar.gz",
    ]


def test_the_descriptor_set_has_all_files_each_after_what_it_imports(artefacts: Artefacts) -> None:
    files = FileDescriptorSet.FromString(artefacts[0].read_bytes()).file
    pool = DescriptorPool()

    assert {file.name for file in files} == SOURCES.keys() | IMPORTED | DETAILS
    assert len(files) == len(SOURCES | dict.fromkeys(IMPORTED | DETAILS))
    for file in files:
        pool.Add(file)
        assert pool.FindFileByName(file.name).name == file.name  # built, so nothing that it imports is missing


def test_the_descriptor_set_has_the_comments(artefacts: Artefacts) -> None:
    files = FileDescriptorSet.FromString(artefacts[0].read_bytes()).file
    (json_file,) = [file for file in files if file.name == "graphwire/v1/json.proto"]

    comments = [place.leading_comments for place in json_file.source_code_info.location]

    assert " One JSON value of any shape: graph state, inputs, custom data, tool output.\n" in "".join(comments)


def test_the_tarball_has_the_sources_and_what_goes_with_them(unpacked: Path) -> None:
    packed = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}

    assert packed == {f"protos/{name}" for name in SOURCES} | {"README.md", "buf.yaml", "service_config.json"}
    assert all((unpacked / "protos" / name).read_bytes() == text for name, text in SOURCES.items())
    assert unpacked.name == f"graphwire-protos-{version()}"
    assert version() in (unpacked / "README.md").read_text()
    assert "{" not in (unpacked / "README.md").read_text()


def test_the_service_config_names_methods_that_there_are(unpacked: Path, artefacts: Artefacts) -> None:
    config = json.loads((unpacked / "service_config.json").read_text())
    files = FileDescriptorSet.FromString(artefacts[0].read_bytes()).file
    unary = {
        (f"{file.package}.{service.name}", method.name)
        for file in files
        for service in file.service
        for method in service.method
        if not method.server_streaming
    }

    named = {(name["service"], name["method"]) for method in config["methodConfig"] for name in method["name"]}

    assert named <= unary


def test_nothing_of_the_machine_is_in_the_tarball(artefacts: Artefacts) -> None:
    with tarfile.open(artefacts[1]) as tar:
        entries = tar.getmembers()

    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    assert {(entry.mtime, entry.mode, entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries} == {
        (315_532_800, 0o644, 0, 0, "", "")
    }
    assert gzip.decompress(artefacts[1].read_bytes())
    assert str(ROOT).encode() not in artefacts[0].read_bytes() + gzip.decompress(artefacts[1].read_bytes())


def test_they_are_the_same_bytes_each_time(artefacts: Artefacts, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tools.protos", str(tmp_path / "again")]
    changed = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    told = subprocess.run(words, cwd=ROOT, env=changed, check=True, capture_output=True, text=True).stdout

    again = [Path(line) for line in told.splitlines()]

    assert [path.name for path in again] == [path.name for path in artefacts]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in artefacts]
