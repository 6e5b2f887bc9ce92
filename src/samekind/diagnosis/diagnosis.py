"""Looking at the installation as a whole."""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import dataclass
from importlib.metadata import requires

from samekind.diagnosis.extras import installed_version, missing_by_extra
from samekind.errors import ModelFileError
from samekind.inference.runtimes import PLAIN, conflict, installed_runtimes
from samekind.inference.session import available_providers
from samekind.model_file.file import bundled_models, read_model
from samekind.system.cores import available_cores, computing_threads

_SHOWN = ("numpy", "pillow", "protobuf", "torch", "timm", "huggingface_hub")


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes:
        versions: By name: samekind, Python, the runtimes, and what else matters; None for what is not installed.
        providers: What ONNX Runtime can compute with, best first.
        threads: How many are used for computing by default.
        cores: How many cores this process may use, by its affinity and its container's quota.
        machine_cores: How many the machine has.
        models: The models that come with samekind, each with its fingerprint, or what is wrong with it.
        extras: Of each extra what is missing.
        faults: What is wrong, each with what mends it.
    """

    versions: dict[str, str | None]
    providers: tuple[str, ...]
    threads: int
    cores: int
    machine_cores: int
    models: dict[str, str]
    extras: dict[str, tuple[str, ...]]
    faults: tuple[str, ...]

    def text(self) -> str:
        """For people."""
        complete = [name for name, missing in self.extras.items() if not missing]
        lines = [f"{name:<18}{found or 'not installed'}" for name, found in self.versions.items()]
        lines += [
            f"{'providers':<18}{', '.join(self.providers)}",
            f"{'threads':<18}{self.threads} ({self.cores} of the machine's {self.machine_cores} cores may be used)",
            *(f"{f'model {name}':<18}{said}" for name, said in self.models.items()),
            f"{'extras':<18}{', '.join(complete) or 'none'}",
            *(
                f'{f"  {name}":<18}lacks {", ".join(missing)}: pip install "samekind[{name}]"'
                for name, missing in self.extras.items()
                if missing
            ),
            "",
            *(f"wrong: {fault}" for fault in self.faults),
        ]
        return "\n".join(lines if self.faults else [*lines, "nothing is wrong"])


def diagnose() -> Diagnosis:
    """Look at what is installed.

    Example:
        >>> diagnose().models["general"].startswith("fingerprint")
        True
    """
    models, faults = {}, []
    for name in bundled_models():
        try:
            card = read_model(name).card
            models[name] = f"fingerprint {card.fingerprint[:12]}, {card.dimension} dimensions, {card.licence}"
        except ModelFileError as error:
            models[name] = "broken"
            faults.append(f"{error}; install samekind anew: pip install --force-reinstall --no-deps samekind")
    if fault := conflict():
        faults.append(fault)
    faults += _too_old()
    return Diagnosis(
        versions={"samekind": installed_version("samekind"), "Python": f"{platform.python_version()} on {sys.platform}"}
        | installed_runtimes()
        | {name: installed_version(name) for name in _SHOWN},
        providers=tuple(available_providers()),
        threads=computing_threads(),
        cores=available_cores(),
        machine_cores=os.cpu_count() or 1,
        models=models,
        extras=missing_by_extra(),
        faults=tuple(faults),
    )


def _too_old() -> list[str]:
    """What the core needs and has in too old a version."""
    faults = []
    for line in requires("samekind") or ():
        if ";" in line or ">=" not in line:
            continue
        name, _, least = (part.strip() for part in line.partition(">="))
        if name == PLAIN:  # any build of it will do
            name, found = next(iter(installed_runtimes().items()), (name, None))
        else:
            found = installed_version(name)
        if found is None:
            faults.append(f"{name} is not installed: pip install '{line}'")
        elif _numbers(found) < _numbers(least):
            faults.append(f"{name} is {found}, and {least} is needed: pip install '{name}>={least}'")
    return faults


def _numbers(text: str) -> list[int]:
    """The numbers that a version begins with, so that 2 is 2.0 and a candidate is what it stands for."""
    numbers = [int(part) for part in re.findall(r"\d+", re.split(r"[^\d.]", text)[0])]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers
