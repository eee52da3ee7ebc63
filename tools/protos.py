"""Writes the protos for people who generate their own stubs: a descriptor set, and a tarball of the sources.

Owns what the two hold. The invariant: the same sources and the same tools give the same bytes, whenever and wherever they are made.

Usage: python -m tools.protos [FOLDER], by default dist.
"""

import gzip
import io
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

from google.protobuf import any_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2

ROOT = Path(__file__).resolve().parent.parent
_BUF = Path(sys.executable).with_name("buf")

_DETAILS = (any_pb2, status_pb2, error_details_pb2)
"""What a failed call carries. No proto of ours imports them, so who has the descriptor set alone could not read an error without."""

_EPOCH = 315_532_800
"""When everything in the tarball was last changed: 1980-01-01, since some tools complain about 1970."""

_README = """\
# The protos of graphwire {version}

| | |
| --- | --- |
| `protos/` | the contract `graphwire.v1`; every field says who sets it, its bounds, its default |
| `buf.yaml` | makes this folder a module of buf |
| `service_config.json` | for the channel: which calls gRPC itself may repeat, and round robin over addresses |

The files import `google/protobuf/duration.proto`, `field_mask.proto`, `struct.proto` and `timestamp.proto`, which every generator brings along. Where yours does not, take
`graphwire-protos-{version}.binpb`, which lies beside this tarball and holds the imports as well, and the error details of `google/rpc`.

## Generate

With buf, of which a `buf.gen.yaml` of yours names the plugins:

    buf generate

With protoc, for example for Ruby, C# or Kotlin:

    protoc -I protos --ruby_out=generated protos/graphwire/v1/*.proto
    protoc -I protos --csharp_out=generated protos/graphwire/v1/*.proto
    protoc -I protos --java_out=generated --kotlin_out=generated protos/graphwire/v1/*.proto

These are the messages; for the services each language has a plugin of its own (`--grpc_out`, `--grpc-java_out`, `--grpckt_out`). From the descriptor set,
without any source:

    protoc --descriptor_set_in=graphwire-protos-{version}.binpb --ruby_out=generated graphwire/v1/run.proto

## Call

    grpcurl -plaintext -protoset graphwire-protos-{version}.binpb localhost:50051 list
    buf curl --schema . --protocol grpc http://localhost:50051/graphwire.v1.AssistantService/SearchAssistants

`docs/clients.md` of the project says what a client should do, with a recipe for each language; `docs/grpcurl.md` has all calls.

## Versions

Fields and cases are added, never changed: skip payload cases that you do not know, keep unknown enum values, ignore unknown fields. Failed calls carry
`google.rpc.Status` with `ErrorInfo`; those messages are in your ecosystem's package of common protos, or in the descriptor set.
"""


def version() -> str:
    """The project's version."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def descriptor_set() -> bytes:
    """All protos with their imports and their comments, and those of error details, as a serialized `google.protobuf.FileDescriptorSet`."""
    words = [str(_BUF), "build", "--as-file-descriptor-set", "-o", "-"]
    ours = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout  # noqa: S603  our own tool on our own files
    details = FileDescriptorSet()
    for module in _DETAILS:
        module.DESCRIPTOR.CopyToProto(details.file.add())
    # Messages of protobuf that stand one behind the other are one message with the fields of both.
    return ours + details.SerializeToString(deterministic=True)


def tarball() -> bytes:
    """The sources in one folder, as a gzipped tar."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=_EPOCH) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, data in sorted(_contents().items()):
            entry = tarfile.TarInfo(f"graphwire-protos-{version()}/{name}")
            entry.size, entry.mtime = len(data), _EPOCH
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _contents() -> dict[str, bytes]:
    made = {str(path.relative_to(ROOT)): path.read_bytes() for path in (ROOT / "protos").rglob("*.proto")}
    made["buf.yaml"] = (ROOT / "buf.yaml").read_bytes()
    made["service_config.json"] = (ROOT / "clients" / "service_config.json").read_bytes()
    made["README.md"] = _README.format(version=version()).encode()
    return made


def write(folder: Path) -> list[Path]:
    """Writes both, under names with the project's version.

    Args:
        folder: Where to; it is made where it does not exist.

    Returns:
        The descriptor set, and the tarball.

    Raises:
        CalledProcessError: The protos cannot be compiled; buf has said why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / f"graphwire-protos-{version()}{ending}" for ending in (".binpb", ".tar.gz")]
    for path, data in zip(made, (descriptor_set(), tarball()), strict=True):
        path.write_bytes(data)
    return made


if __name__ == "__main__":
    for written in write(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"):
        print(written)
