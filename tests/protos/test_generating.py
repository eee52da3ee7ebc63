"""Generators work from the tarball alone, and from the descriptor set alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.protos import ROOT

BUF = Path(sys.executable).with_name("buf")
PLUGIN = f"""#!{sys.executable}
import sys
from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse

asked = CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
answer = CodeGeneratorResponse(supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
for file in asked.proto_file:
    if file.name in asked.file_to_generate:
        names = [message.name for message in file.message_type]
        answer.file.add(name=file.name + ".txt", content=" ".join(names))
sys.stdout.buffer.write(answer.SerializeToString())
"""
"""A generator that writes the names of messages."""

READS = """
import pathlib
for folder in ("graphwire", "graphwire/v1"):
    pathlib.Path(folder, "__init__.py").touch()  # before the package of the project, which is installed beside protobuf
from google.protobuf import json_format
from graphwire.v1 import run_service_pb2, run_service_pb2_grpc
made = json_format.Parse('{"assistant_id": "joke", "input": {"value": {"topic": "tea"}}}', run_service_pb2.StreamRunRequest())
print(made.input.value.struct_value["topic"], pathlib.Path(run_service_pb2_grpc.__file__).parent == pathlib.Path.cwd() / "graphwire/v1")
"""
"""Uses what was generated, and nothing else."""


def run(*words: str | Path, cwd: Path) -> str:
    """What a program prints that succeeds. It sees nothing of the project."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def protoc() -> list[str]:
    """The words that call protoc. Skips the test where it is absent; with CI_STRICT=1, fails it."""
    python = ROOT / ".venv-gen" / "bin" / "python"
    if python.is_file():
        return [str(python), "-m", "grpc_tools.protoc"]
    lack = "protoc is not there: `make gen` installs it"
    if os.environ.get("CI_STRICT") == "1":
        pytest.fail(f"{lack}, and nothing may be skipped here")
    pytest.skip(lack)


def test_buf_generates_from_the_tarball(unpacked: Path) -> None:
    plugin = unpacked / "protoc-gen-names"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    (unpacked / "buf.gen.yaml").write_text("version: v2\nplugins:\n  - local: ./protoc-gen-names\n    out: made\n")

    run(BUF, "generate", cwd=unpacked)

    made = {str(path.relative_to(unpacked / "made")) for path in (unpacked / "made").rglob("*.txt")}
    assert made == {f"{path.relative_to(unpacked / 'protos')}.txt" for path in (unpacked / "protos").rglob("*.proto")}
    assert "JoinRunRequest" in (unpacked / "made/graphwire/v1/run_service.proto.txt").read_text()


def test_buf_finds_nothing_to_mend_in_the_tarball(unpacked: Path) -> None:
    assert run(BUF, "lint", cwd=unpacked) == ""


def test_protoc_generates_from_the_tarball(unpacked: Path) -> None:
    protos = sorted((unpacked / "protos").rglob("*.proto"))
    names = [path.relative_to(unpacked / "protos") for path in protos]

    run(*protoc(), "-I", "protos", "--python_out=.", "--grpc_python_out=.", *names, cwd=unpacked)

    assert run(sys.executable, "-c", READS, cwd=unpacked) == "tea True\n"


def test_protoc_generates_from_the_descriptor_set(artefacts: tuple[Path, Path], tmp_path: Path) -> None:
    names = [
        f"graphwire/v1/{name}.proto"
        for name in ("run_service", "event", "error", "interrupt", "json", "run", "webhook")
    ]

    run(*protoc(), f"--descriptor_set_in={artefacts[0]}", "--python_out=.", "--grpc_python_out=.", *names, cwd=tmp_path)

    assert run(sys.executable, "-c", READS, cwd=tmp_path) == "tea True\n"
