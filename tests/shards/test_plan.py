"""Where shards begin and end is a matter of the inputs alone."""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samekind.errors import ShardError
from samekind.shards.inputs import Input
from samekind.shards.plan import new_inputs, read_plan, write_plan

NAMES = st.binary(min_size=1, max_size=6).filter(lambda name: b"\0" not in name).map(os.fsdecode)
INPUTS = st.builds(Input, NAMES, NAMES, st.integers(-1, 5), st.integers(-1, 9), st.integers(0, 9))


def place(one: Input) -> tuple[bytes, int]:
    return os.fsencode(one.address), one.place


@given(st.lists(INPUTS, unique_by=place), st.data())
def test_new_inputs_are_sorted_each_once_and_not_known(inputs: list[Input], data: st.DataObject) -> None:
    found = data.draw(st.permutations(inputs + inputs[:3]))
    known = data.draw(st.lists(st.sampled_from(inputs))) if inputs else []
    assert list(new_inputs(found, known)) == sorted(set(inputs) - set(known), key=place)


@given(st.lists(INPUTS, max_size=20), st.integers(1, 7))
def test_a_plan_is_read_as_it_was_written_shard_by_shard(inputs: list[Input], rows: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.parquet"
        assert write_plan(path, inputs, rows) == len(inputs)
        assert list(read_plan(path)) == inputs
        shards = [list(read_plan(path, number)) for number in range(-(-len(inputs) // rows))]
    assert shards == [inputs[start : start + rows] for start in range(0, len(inputs), rows)]


def test_a_file_of_this_moment_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("samekind.shards.plan.time.sleep", waited.append)
    now = time.time_ns()
    write_plan(tmp_path / "plan.parquet", [Input("/a.png", mtime_ns=now)], 4)
    passed = (time.time_ns() - now) / 1e9
    assert waited[0] <= 2 <= waited[0] + passed
    write_plan(tmp_path / "plan.parquet", [Input("/a.png", mtime_ns=now - 10**10)], 4)
    assert waited[1] == 0


def test_a_broken_plan_is_named(tmp_path: Path) -> None:
    (tmp_path / "plan.parquet").write_bytes(b"PAR1")
    with pytest.raises(ShardError, match=r"plan\.parquet: not a readable plan"):
        list(read_plan(tmp_path / "plan.parquet"))
