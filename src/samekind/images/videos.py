"""Videos as pictures: frames where the scene changes or each few seconds, and the name of one, ``clip.mp4#t=12.5``.

Extra ``video`` (PyAV). The name is a media fragment (W3C, "Media Fragments URI 1.0"): seconds from the video's start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from samekind.errors import ImageError, MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# fmt: off
_SUFFIXES = (
    "3gp", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "ogv", "webm", "wmv",
)
# fmt: on
VIDEO_SUFFIXES = frozenset(f".{suffix}" for suffix in _SUFFIXES)
_FRAME = re.compile(rf"(.+\.(?:{'|'.join(_SUFFIXES)}))#t=(\d+(?:\.\d+)?)", re.IGNORECASE | re.DOTALL)
# What a file may turn out to be. A playlist, which would have FFmpeg open other files or addresses, is not among it.
_ALLOWED = {
    "format_whitelist": "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,asf,flv,ogg,h264,hevc,m4v",
    "protocol_whitelist": "file",
}
# Frames whose small pictures differ by so much of 255 show different scenes; they are at least so many seconds apart.
_CHANGE, _APART = 20.0, 1.0
# Encoders put a key frame at a cut, and one each few seconds anyway; where they do not, all frames are looked at.
_FAR_APART = 5.0
_SMALL = (48, 27)
# Names have milliseconds.
_GRAIN = 0.0006


def is_video(name: str | os.PathLike[str]) -> bool:
    """Whether a file is a video by its suffix, in any case."""
    return Path(name).suffix.lower() in VIDEO_SUFFIXES


def can_read_videos() -> bool:
    """Whether the extra ``video`` is installed."""
    return find_spec("av") is not None


def frame_of(name: str | os.PathLike[str]) -> tuple[str, float] | None:
    """The video and the seconds from its start that the name of a frame names; None of any other name.

    Example:
        >>> frame_of("holiday/clip.mp4#t=12.5")
        ('holiday/clip.mp4', 12.5)
        >>> frame_of("clip.mp4"), frame_of("a#t=5.jpg")
        (None, None)
    """
    matched = _FRAME.fullmatch(os.fspath(name))
    return (matched[1], float(matched[2])) if matched else None


def frame_name(video: str, seconds: float) -> str:
    """The name of a frame.

    Example:
        >>> frame_name("clip.mp4", 12.5), frame_name("clip.mp4", 3)
        ('clip.mp4#t=12.5', 'clip.mp4#t=3')
    """
    return f"{video}#t={f'{seconds:.3f}'.rstrip('0').rstrip('.')}"


def read_frame(video: Path, seconds: float, max_pixels: int) -> Image.Image:
    """The frame that a video shows at a time, upright.

    Raises:
        ImageError: The extra is not installed; or the video is missing, broken, too large, or shorter.
        OSError: The file cannot be read.
    """
    with _opened(video, max_pixels) as (container, stream, start):
        shown, end = None, 0.0
        for wanted in (seconds, 0.0):  # some containers land behind where they were asked to
            container.seek(int((wanted + start) / stream.time_base), stream=stream, backward=True)
            for frame in container.decode(stream):
                time = float(frame.time or 0) - start
                if time > seconds + _GRAIN:
                    end = time
                    break
                shown, end = frame, time + float((frame.duration or 0) * stream.time_base)
            if shown is not None:
                break
        if shown is None:
            raise ImageError(f"{video}: no frame of this video can be decoded")
        if seconds > end + _GRAIN:
            raise ImageError(f"{video}: no frame at {seconds:g} seconds; the video ends at {end:.3f}")
        return _upright(shown)


def read_frames(video: Path, every: float | None, max_pixels: int) -> Iterator[tuple[float, Image.Image]]:
    """Frames that tell what a video shows, with their seconds from its start, upright; the first one always.

    Args:
        video: The file.
        every: A frame each so many seconds; None for one where the scene changes.
        max_pixels: Videos of larger frames are refused.

    Raises:
        ImageError: As ``read_frame``. Where a video breaks off, what comes before has been given by then.
        OSError: The file cannot be read.
    """
    with _opened(video, max_pixels) as (container, stream, start):
        if every is None and _key_frames_suffice(container, stream):
            stream.codec_context.skip_frame = "NONKEY"
        container.seek(int(start / stream.time_base), stream=stream, backward=True)
        due, before = 0.0, None
        for frame in container.decode(stream):
            time = max(0.0, float(frame.time or 0) - start)
            if before is not None and time < due - _GRAIN:
                continue
            small = _small(frame)
            if every is not None or before is None or float(np.abs(small - before).mean()) >= _CHANGE:
                before = small
                yield time, _upright(frame)
            due = time + _APART if every is None else (time // every + 1) * every
        if before is None:
            raise ImageError(f"{video}: no frame of this video can be decoded")


@contextmanager
def _opened(video: Path, max_pixels: int) -> Iterator[tuple[Any, Any, float]]:
    """The container, its video stream, and the time of its first frame."""
    if not can_read_videos():
        raise ImageError(f"{video}: a video. {MissingExtraError('video', 'av')}")
    import av  # noqa: PLC0415 - extra video

    with video.open("rb"):  # Python's own words for what is missing or forbidden
        pass
    try:
        with av.open(str(video), options=dict(_ALLOWED)) as container:
            if not container.streams.video:
                raise ImageError(f"{video}: has no pictures, only sound")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise ImageError(f"{video}: a video of a kind that cannot be decoded here")
            stream.thread_type = "AUTO"
            if stream.width * stream.height > max_pixels:
                raise ImageError(f"{video}: too large ({stream.width}×{stream.height}); at most {max_pixels:,} pixels")
            start = 0.0 if stream.start_time is None else float(stream.start_time * (stream.time_base or 0))
            yield container, stream, start
    except av.FFmpegError as error:
        raise ImageError(f"{video}: broken or truncated video ({error.strerror or error})") from error


def _key_frames_suffice(container: Any, stream: Any) -> bool:
    times = [
        float(packet.pts * stream.time_base) for packet in container.demux(stream) if packet.pts and packet.is_keyframe
    ]
    # Matroska says how long it is of the whole file alone, in millionths of a second.
    end = float(stream.duration * stream.time_base) if stream.duration else (container.duration or 0) / 1e6
    times = sorted([0.0, *times, end])
    return max(later - earlier for earlier, later in pairwise(times)) <= _FAR_APART


def _small(frame: Any) -> NDArray[np.int16]:
    return np.asarray(frame.reformat(*_SMALL, format="rgb24").to_ndarray(), np.int16)


def _upright(frame: Any) -> Image.Image:
    """The picture, turned as a telephone's film says it is to be shown."""
    image: Image.Image = frame.to_image()
    turned = round(frame.rotation / 90) % 4
    return image.transpose(getattr(Image.Transpose, f"ROTATE_{90 * turned}")) if turned else image
