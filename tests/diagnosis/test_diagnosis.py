"""What is wrong with an installation is named, with the command that mends it."""

from __future__ import annotations

import json

import pytest
from commands import run

from samekind.diagnosis import diagnosis
from samekind.diagnosis.diagnosis import diagnose
from samekind.errors import ModelFileError
from samekind.inference import runtimes, session
from samekind.inference.runtimes import conflict, installed_runtimes
from samekind.model_file.file import read_model
from samekind.system.cores import available_cores


def pretend(monkeypatch: pytest.MonkeyPatch, versions: dict[str, str]) -> None:
    def version(name: str) -> str:
        if name not in versions:
            raise runtimes.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(runtimes, "version", version)


def test_a_sound_installation_has_no_faults() -> None:
    found = diagnose()
    assert found.faults == ()
    assert found.cores == available_cores()
    assert found.threads <= found.cores
    assert "cpu" in found.providers
    assert set(found.models) == {"general", "imagenette"}
    assert found.text().endswith("nothing is wrong")


def test_two_builds_of_onnx_runtime_are_named_with_both_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    assert conflict() is None
    pretend(monkeypatch, {"onnxruntime": "1.20.0", "onnxruntime-gpu": "1.20.0"})
    assert installed_runtimes() == {"onnxruntime": "1.20.0", "onnxruntime-gpu": "1.20.0"}
    fault = conflict()
    assert fault is not None
    assert "pip uninstall -y onnxruntime onnxruntime-gpu; then: pip install onnxruntime-gpu" in fault
    assert any(fault in said for said in diagnose().faults)
    with pytest.raises(ModelFileError, match="pip uninstall -y onnxruntime onnxruntime-gpu"):
        session.provider_names("cuda")
    pretend(monkeypatch, {"onnxruntime-gpu": "1.20.0"})
    assert conflict() is None


def test_a_provider_that_was_asked_for_and_is_lost_is_an_error_and_no_slow_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ONNX Runtime does where a driver is missing: it warns and computes on the processor."""
    real = session.ort.InferenceSession
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(session.ort, "get_available_providers", lambda: both)
    monkeypatch.setattr(session.ort, "InferenceSession", lambda data, options, providers: real(data, options))
    data = read_model("imagenette").data
    session.open_session(data, "imagenette")
    with pytest.raises(ModelFileError, match="cuda was asked for, and ONNX Runtime could not start it"):
        session.open_session(data, "imagenette", providers=("cuda", "cpu"))


def test_the_command_prints_it_and_fails_where_something_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("doctor")
    assert done.returncode == 0
    assert "providers" in done.stdout
    assert json.loads(run("doctor", "--json").stdout)["faults"] == []
    pretend(monkeypatch, {"onnxruntime": "1.20.0", "onnxruntime-gpu": "1.20.0"})
    broken = run("doctor")
    assert broken.returncode == 1
    assert "wrong: onnxruntime and onnxruntime-gpu are installed together" in broken.stdout


def test_an_old_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["numpy>=99", "nothing-like-it>=1", 'torch>=99; extra == "train"']
    monkeypatch.setattr(diagnosis, "requires", lambda _: lines)
    first, second = diagnosis._too_old()
    assert first.startswith("numpy is ")
    assert second.startswith("nothing-like-it is not installed")


def test_any_build_of_onnx_runtime_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `doctor` itself advises for a GPU must not be a fault, whose remedy would undo it."""
    pretend(monkeypatch, {"onnxruntime-gpu": "1.20.0"})
    assert diagnose().faults == ()
    pretend(monkeypatch, {"onnxruntime-gpu": "1.2.0"})
    [fault] = diagnose().faults
    assert fault.endswith("pip install 'onnxruntime-gpu>=1.18'")


@pytest.mark.parametrize(
    ("found", "least", "old"),
    [
        ("2", "2.0", False),
        ("2.0", "2.0.0", False),
        ("1.26rc1", "1.26", False),
        ("1.9", "1.26", True),
        ("2.0+cpu", "1.26", False),
    ],
)
def test_versions_are_compared_by_their_numbers(
    monkeypatch: pytest.MonkeyPatch, found: str, least: str, old: bool
) -> None:
    monkeypatch.setattr(diagnosis, "requires", lambda _: [f"numpy>={least}"])
    monkeypatch.setattr(diagnosis, "installed_version", lambda _: found)
    assert bool(diagnosis._too_old()) is old


def test_models_are_listed_with_licence_and_command() -> None:
    said = run("models").stdout
    assert "general" in said
    assert "samekind wrap timm:vit_small_patch14_reg4_dinov2.lvd142m" in said
    listed = json.loads(run("models", "--json").stdout)
    assert {one["name"] for one in listed["bundled"]} == {"general", "imagenette"}
