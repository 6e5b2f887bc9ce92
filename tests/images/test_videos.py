"""Frames of videos, against the colours of their scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clips import RATE, SCENES, SECONDS, save_clip

from samekind.errors import ImageError
from samekind.images import load_image, read_image
from samekind.images.videos import frame_name, frame_of, read_frame, read_frames

av = pytest.importorskip("av")
MOST = 10**8


def colour(image: object) -> tuple[int, ...]:
    return tuple(np.asarray(image).reshape(-1, 3).mean(axis=0).round().astype(int).tolist())


@pytest.mark.parametrize(
    ("name", "codec", "gop"),
    [
        ("a.mp4", "mpeg4", 10),
        ("a.mp4", "mpeg4", 600),
        ("a.mkv", "mpeg4", 3),
        ("a.avi", "mpeg4", 15),
        ("a.mts", "mpeg2video", 10),
        ("a.mpg", "mpeg2video", 12),
    ],
)
def test_each_scene_gives_a_frame_that_reads_back_by_its_name(tmp_path: Path, name: str, codec: str, gop: int) -> None:
    clip = save_clip(tmp_path / name, codec=codec, gop=gop)
    frames = list(read_frames(clip, None, MOST))
    assert len(frames) == len(SCENES)
    for number, ((seconds, image), expected) in enumerate(zip(frames, SCENES, strict=True)):
        assert number * SECONDS <= seconds < (number + 1) * SECONDS
        assert colour(image) == pytest.approx(expected, abs=6)
        named = frame_of(frame_name(str(clip), seconds))
        assert named is not None
        again = read_frame(Path(named[0]), named[1], MOST)
        assert np.array_equal(np.asarray(again), np.asarray(image))


def test_a_frame_each_few_seconds(tmp_path: Path) -> None:
    clip = save_clip(tmp_path / "a.mp4")
    assert [round(seconds, 3) for seconds, _ in read_frames(clip, 2.0, MOST)] == [0, 2, 4, 6, 8]
    assert len(list(read_frames(clip, 0.1, MOST))) == len(SCENES) * SECONDS * RATE


def test_a_frame_is_an_image_like_any_other(tmp_path: Path) -> None:
    clip = save_clip(tmp_path / "a.mp4")
    decoded = read_image(f"{clip}#t=4.25", 16)
    assert (decoded.width, decoded.height) == (96, 64)
    assert colour(decoded.pixels) == pytest.approx(SCENES[1], abs=6)
    assert load_image(Path(f"{clip}#t=7"), 8).shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.mp4", "a video, not an image; name one of its frames, such as a.mp4#t=12.5"),
        ("a.mp4#t=9.5", "no frame at 9.5 seconds; the video ends at 9.000"),
        ("none.mp4#t=1", "no such file"),
        ("a.mp4#t=x", "no such file"),
        ("text.mp4#t=1", "broken or truncated video"),
        ("sound.mkv#t=0", "has no pictures, only sound"),
    ],
)
def test_what_is_no_frame_is_said(tmp_path: Path, name: str, message: str) -> None:
    save_clip(tmp_path / "a.mp4")
    (tmp_path / "text.mp4").write_text("no video at all")
    with av.open(str(tmp_path / "sound.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        container.mux(stream.encode(sound(1000)))
        container.mux(stream.encode())
    with pytest.raises(ImageError, match=message):
        load_image(tmp_path / name, 8)


def sound(count: int) -> object:
    frame = av.AudioFrame.from_ndarray(np.zeros((1, count), np.int16), format="s16", layout="mono")
    frame.rate = 8000
    return frame


def test_an_image_that_is_called_like_a_frame_is_itself(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (10, 20), "blue").save(tmp_path / "a.mp4#t=3", "PNG")
    assert read_image(tmp_path / "a.mp4#t=3", 8).height == 20


def test_frames_that_are_too_large_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    clip = save_clip(tmp_path / "a.mp4")
    with pytest.raises(ImageError, match="too large"):
        read_image(f"{clip}#t=1", 8, max_pixels=1000)


def test_a_video_is_turned_as_it_is_to_be_shown(tmp_path: Path) -> None:
    half = np.zeros((64, 96, 3), np.uint8)
    half[:, :48] = 255  # the left half is white
    clip = save_clip(tmp_path / "a.mp4", pictures=[half])
    data = bytearray(clip.read_bytes())
    matrix = data.index(b"tkhd") + 44
    clockwise = (0, 0x10000, 0, 0xFFFF0000, 0, 0, 64 << 16, 0, 0x40000000)
    data[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big") for value in clockwise)
    clip.write_bytes(data)
    decoded = read_image(f"{clip}#t=0", 64, squashed=False)
    assert (decoded.width, decoded.height) == (64, 96)
    assert decoded.pixels[:20].mean() > 200
    assert decoded.pixels[-20:].mean() < 50
