"""What a run runs on, for who wants to know why another run of the same recipe differs."""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import torch

_LIBRARIES = ("samekind", "torch", "torchvision", "timm", "lightning", "pytorch-metric-learning", "onnx", "onnxruntime",
              "numpy")  # fmt: skip


def describe_environment() -> str:
    """The command, the machine and the libraries, as JSON."""
    libraries = {}
    for name in _LIBRARIES:
        try:
            libraries[name] = version(name)
        except PackageNotFoundError:
            continue
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    found = {
        "command": sys.argv,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "gpus": gpus,
        "libraries": libraries,
    }
    return json.dumps(found, indent=2)
