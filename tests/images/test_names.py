"""The names of ``samekind.images``, each imported when it is first used."""

import subprocess
import sys

import pytest

from samekind import images


def test_each_name_comes_from_its_module() -> None:
    assert sorted(name for names in images._MODULES.values() for name in names) == sorted(images.__all__)
    assert all(getattr(images, name) is not None for name in images.__all__)
    with pytest.raises(AttributeError, match=r"'samekind\.images' has no attribute 'decode_image'"):
        images.decode_image  # noqa: B018


def test_names_of_files_are_read_without_what_decodes_them() -> None:
    code = "import sys, samekind.training.api; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "samekind.images.folder_contents" in imported
    assert not {"samekind.images.decode", "samekind.images.reader", "onnxruntime", "torch"} & imported
