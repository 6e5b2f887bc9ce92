"""Which builds of ONNX Runtime are installed: two of them share one folder, and the last one installed wins."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

# Each is the whole of ONNX Runtime, under the same module name.
_BUILDS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-rocm",
           "onnxruntime-qnn", "onnxruntime-silicon")  # fmt: skip
PLAIN = "onnxruntime"


def installed_runtimes() -> dict[str, str]:
    """The builds of ONNX Runtime that are installed, with their versions.

    Example:
        >>> "onnxruntime" in " ".join(installed_runtimes())
        True
    """
    found = {}
    for name in _BUILDS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def conflict() -> str | None:
    """What is wrong where several builds are installed, with the two commands that mend it; None where nothing is."""
    found = list(installed_runtimes())
    if len(found) < 2:
        return None
    wanted = next(name for name in found if name != PLAIN)
    return (
        f"{' and '.join(found)} are installed together, and overwrite each other's files, so that the GPU may be lost "
        f"without a word: pip uninstall -y {' '.join(found)}; then: pip install {wanted}"
    )
