"""What is public: ``docs/reference.md`` is the promise, and this holds it."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import samekind
from samekind.errors import MissingExtraError

# All that other people's code may import, by package. Whoever adds a name decides that it stays.
EXPORTS = {
    "samekind": {
        *("load", "Recognizer", "Embedded", "Verdict", "TrioVerdict", "Explanation", "Card", "Gallery"),
        *("check", "CheckReport", "train", "evaluate", "Report", "calibrate", "Recalibrated", "AdaptationError"),
        *(
            "SamekindError",
            "ArgumentError",
            "DatasetError",
            "EmbeddingError",
            "FilterError",
            "GalleryError",
            "GalleryUnreachableError",
            "ImageError",
        ),
        *("audit", "AuditReport", "AuditFinding", "apply_audit", "AppliedAudit", "pairs_to_answer", "AskedPair"),
        *("wrap", "Wrapped", "push", "make_adaptable", "WrapError", "HubError", "NotCalibratedError"),
        *("MissingExtraError", "ModelFileError", "OperatingPointError", "PlanError", "ServeError", "TrainingError"),
        "WebPageError",
        *("ShardError", "ClusterError", "embed", "EmbedReport"),
    },
    "samekind.gallery": {
        *("Cluster", "Duplicate", "DuplicateGroup", "Gallery", "Hit", "Match", "Row", "Status", "SyncReport"),
        *("copies_in", "matches_between"),
        *("summary_of_clusters", "summary_of_duplicates", "title_of_cluster", "title_of_group"),
        *("write_cluster_folders", "write_clusters_sheet", "write_duplicates_sheet", "write_hits_sheet"),
    },
    "samekind.plans": {
        *("Applied", "Plan", "PlanGroup", "PlanLine", "Undone"),
        *("apply_plan", "preview_plan", "read_plan", "undo", "write_plan"),
    },
}
REFERENCE = Path(__file__).parents[1] / "docs" / "reference.md"


@pytest.mark.parametrize("package", EXPORTS)
def test_exports_are_exactly_these(package: str) -> None:
    module = import_module(package)
    assert sorted(module.__all__) == sorted(EXPORTS[package])
    assert all(getattr(module, name).__name__ == name for name in module.__all__)


def test_the_reference_names_what_is_public_and_nothing_else() -> None:
    sections = dict(
        re.findall(r"^## `([\w.]+)`\n(.*?)(?=^## |\Z)", REFERENCE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    )
    listed = {package: set(re.findall(r"^\| `(\w+)", text, re.MULTILINE)) for package, text in sections.items()}
    assert listed == EXPORTS


def test_what_the_table_and_the_type_checkers_see_are_one() -> None:
    assert set(samekind._MODULES) == set(samekind.__all__)
    source = Path(samekind.__file__).read_text("utf-8")
    typed = source[source.index("if TYPE_CHECKING:") : source.index("__version__")]
    assert all(re.search(rf"\b{name}\b", typed) for name in samekind.__all__)


def test_dir_lists_what_was_not_imported_yet() -> None:
    code = "import samekind; assert set(samekind.__all__) <= set(dir(samekind)), dir(samekind)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_imports_nothing_heavy() -> None:
    code = (
        "import sys, samekind; print(*sorted({'numpy', 'PIL', 'pydantic', 'onnxruntime', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'samekind' has no attribute 'loda'"):
        samekind.loda  # noqa: B018


def test_without_its_extra_a_name_says_what_to_install() -> None:
    code = "import sys; sys.modules['faiss'] = None; import samekind; samekind.Gallery"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == f"samekind.errors.MissingExtraError: {MissingExtraError('gallery', 'faiss')}"
