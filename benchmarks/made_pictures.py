"""Pictures drawn by program that are alike and no copies of each other: documents, products, frames, bursts, shapes.

Each maker yields pictures without end; what it has drawn is another picture each time, if only by a line or a colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Maker = Callable[[np.random.Generator], Iterator[Image.Image]]
_TEXT = """order payment within thirty days thank you for your business quantity price total item unit address river
garden letter morning please find attached the meeting was moved to room seven and nobody came before noon"""
_WORDS = _TEXT.split()
_COLOURS = [(200, 30, 30), (20, 110, 20), (40, 60, 200), (120, 20, 140), (230, 140, 20), (40, 40, 40), (235, 220, 60)]


def _words(rng: np.random.Generator, number: int) -> str:
    return " ".join(rng.choice(_WORDS, number))


def _blobs(rng: np.random.Generator, width: int, height: int, cells: int = 8) -> Image.Image:
    """A smooth random picture with objects and a little noise, which stands for a photograph."""
    small = Image.fromarray(rng.integers(0, 256, (cells, cells + 2, 3), dtype=np.uint8))
    image = small.resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(25):
        x, y, r = rng.integers(0, width), rng.integers(0, height), rng.integers(2, width // 9)
        fill = tuple(int(c) for c in rng.integers(0, 256, 3))
        shape = [draw.ellipse, draw.rectangle][int(rng.integers(2))]
        shape((int(x - r), int(y - r), int(x + r), int(y + r)), fill=fill)
    return image.filter(ImageFilter.GaussianBlur(1))


def _noisy(image: Image.Image, rng: np.random.Generator, spread: float) -> Image.Image:
    values = np.asarray(image).astype(np.float32)
    return Image.fromarray((values + rng.normal(0, spread, values.shape)).clip(0, 255).astype(np.uint8))


def pages(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Pages of text, six at a time that differ in one line."""
    font = ImageFont.load_default(20)
    while True:
        lines = [_words(rng, 9) for _ in range(32)]
        for _ in range(6):
            lines[int(rng.integers(len(lines)))] = _words(rng, 9)
            image = Image.new("L", (827, 1169), 255)
            draw = ImageDraw.Draw(image)
            for row, line in enumerate(lines):
                draw.text((70, 80 + 31 * row), line, 0, font)
            yield image.convert("RGB")


def statements(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Tables in one layout with other numbers; every third differs from the one before in three cells only."""
    font, big = ImageFont.load_default(22), ImageFont.load_default(40)

    def amounts(rows: int) -> list[str]:
        return [f"{rng.uniform(1, 999):8.2f}" for _ in range(rows)]

    names, numbers = [_words(rng, 3) for _ in range(24)], amounts(24)
    for turn in count():
        if turn % 3:
            for row in rng.integers(0, 24, 3):
                numbers[row] = amounts(1)[0]
        else:
            names, numbers = [_words(rng, 3) for _ in range(24)], amounts(24)
        image = Image.new("L", (827, 1169), 255)
        draw = ImageDraw.Draw(image)
        draw.rectangle((60, 60, 767, 140), 40)
        draw.text((80, 80), "STATEMENT", 255, big)
        for row in range(24):
            y = 180 + row * 38
            draw.line((60, y, 767, y), 150)
            draw.text((70, y + 6), names[row], 0, font)
            draw.text((650, y + 6), numbers[row], 0, font)
        yield image.convert("RGB")


def chats(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Screenshots of conversations in one program; every third has another last message than the one before."""
    font = ImageFont.load_default(22)
    messages: list[tuple[int, int, bool, str]] = []
    for turn in count():
        if turn % 3 == 0:
            messages, y = [], 140
            while y < 1000:
                high, wide = int(rng.choice([60, 60, 100, 140])), int(rng.integers(240, 420))
                lines = "\n".join(_words(rng, 3) for _ in range(high // 45))
                messages.append((high, wide, rng.random() < 0.5, lines))
                y += high + 16
        else:
            high, wide, right, _ = messages[-1]
            messages[-1] = (high, wide, right, "\n".join(_words(rng, 3) for _ in range(high // 45)))
        image = Image.new("RGB", (540, 1170), (236, 229, 221))
        draw = ImageDraw.Draw(image)
        draw.rectangle((0, 0, 540, 110), (7, 94, 84))
        draw.rectangle((0, 1080, 540, 1170), "white")
        y = 140
        for high, wide, right, lines in messages:
            x = 520 - wide if right else 20
            draw.rounded_rectangle((x, y, x + wide, y + high), 14, (220, 248, 198) if right else "white")
            draw.text((x + 12, y + 12), lines, 0, font)
            y += high + 16
        yield image


def slides(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Slides in one design, five of each talk; a slide has one bullet more than the one before, or other words."""
    title, body = ImageFont.load_default(46), ImageFont.load_default(28)
    while True:
        heading, bullets = _words(rng, 3), [_words(rng, 5) for _ in range(5)]
        colour = _COLOURS[int(rng.integers(len(_COLOURS)))]
        for shown in range(1, 6):
            image = Image.new("RGB", (960, 540), "white")
            draw = ImageDraw.Draw(image)
            draw.rectangle((0, 0, 960, 100), colour)
            draw.text((40, 25), heading, "white", title)
            for row, bullet in enumerate(bullets[:shown]):
                draw.text((70, 150 + 65 * row), "- " + bullet, (30, 30, 30), body)
            draw.text((880, 500), str(shown), (120, 120, 120), body)
            yield image


def _product(rng: np.random.Generator) -> tuple[list[tuple[float, float]], float]:
    """The outline of a thing, mirrored about its middle, and how shiny it is."""
    heights = np.linspace(0.12, 0.9, 9)
    widths = rng.uniform(0.08, 0.42, 9)
    right = [(0.5 + w, h) for w, h in zip(widths, heights, strict=True)]
    return right + [(1 - x, y) for x, y in reversed(right)], float(rng.uniform(0, 60))


def products(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Things on white, each in four colours, softly shaded."""
    while True:
        outline, shine = _product(rng)
        for colour in rng.permutation(len(_COLOURS))[:4]:
            mask = Image.new("L", (600, 600), 0)
            ImageDraw.Draw(mask).polygon([(x * 600, y * 600) for x, y in outline], 255)
            shade = np.linspace(-shine, shine, 600)[None, :, None] + np.zeros((600, 1, 3))
            body = Image.fromarray((np.array(_COLOURS[colour]) + shade).clip(0, 255).astype(np.uint8))
            image = Image.new("RGB", (600, 600), "white")
            image.paste(body, mask=mask.filter(ImageFilter.GaussianBlur(1)))
            yield image


def clothes(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Shirts of one cut on white, of other colours, prints, stripes and shades of the same colour."""
    cut = np.array([(180, 120), (240, 100), (360, 100), (420, 120), (540, 220), (480, 300), (430, 260), (430, 520)])
    cut = np.concatenate([cut, [(170, 520), (170, 260), (120, 300), (60, 220)]])
    while True:
        colour = np.array(_COLOURS[int(rng.integers(len(_COLOURS)))]) + rng.integers(-25, 26, 3)
        cloth = np.zeros((600, 600, 3)) + colour
        cloth += 12 * np.sin(np.linspace(0, rng.uniform(4, 14), 600) + rng.uniform(0, 6))[None, :, None]  # folds
        pattern = rng.random()
        if pattern < 0.25:
            cloth[(np.arange(600) // int(rng.integers(10, 40))) % 2 == 0] = rng.integers(0, 256, 3)
        image = Image.new("RGB", (600, 600), "white")
        body = Image.fromarray(cloth.clip(0, 255).astype(np.uint8))
        if pattern > 0.6:
            font = ImageFont.load_default(70)
            ImageDraw.Draw(body).text((300, 250), str(rng.choice(_WORDS)), "white", font, "mm")
        mask = Image.new("L", (600, 600), 0)
        outline = (cut + rng.integers(-6, 7, cut.shape)).tolist()
        ImageDraw.Draw(mask).polygon([tuple(point) for point in outline], 255)
        image.paste(body, mask=mask.filter(ImageFilter.GaussianBlur(1)))
        yield _noisy(image, rng, 1.5)


def dark_frames(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Near-black frames: scenes at a twentieth of their brightness, with noise; near-white ones in turn."""
    while True:
        dark = np.asarray(_blobs(rng, 320, 240)).astype(np.float32) / 20
        yield _noisy(Image.fromarray(dark.astype(np.uint8)), rng, 1.5)
        yield _noisy(Image.fromarray((255 - dark).astype(np.uint8)), rng, 1.5)


def gradients(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Backgrounds that run from one colour to another in some direction."""
    while True:
        angle, (one, other) = rng.uniform(0, 2 * np.pi), rng.integers(0, 256, (2, 3))
        y, x = np.mgrid[0:240, 0:320] / 320
        along = x * np.cos(angle) + y * np.sin(angle)
        along = ((along - along.min()) / np.ptp(along))[..., None]
        yield Image.fromarray((one + (other - one) * along).astype(np.uint8))


def games(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Screenshots of a game: the same tiles and the same bar, other figures at other places; ten of each level."""
    font = ImageFont.load_default(22)
    tiles = [_blobs(rng, 40, 40, 4) for _ in range(6)]
    while True:
        level = rng.integers(0, 3, (9, 16))
        for _ in range(10):
            image = Image.new("RGB", (640, 400), (30, 30, 50))
            for row, column in np.ndindex(level.shape):
                image.paste(tiles[level[row, column]], (40 * column, 40 * row))
            for _ in range(6):
                image.paste(tiles[int(rng.integers(3, 6))], (int(rng.integers(0, 600)), int(rng.integers(0, 320))))
            draw = ImageDraw.Draw(image)
            draw.text((10, 368), f"SCORE {int(rng.integers(0, 99999)):05}", "white", font)
            draw.text((500, 368), f"LIVES {int(rng.integers(1, 9))}", "white", font)
            yield image


def bursts(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Five frames of a scene: shifted by some pixels, lit a little otherwise, with noise, and something has moved."""
    while True:
        scene, thing = _blobs(rng, 400, 300), _blobs(rng, 60, 60, 4)
        for _ in range(5):
            frame = scene.copy()
            frame.paste(thing, (int(rng.integers(40, 300)), int(rng.integers(40, 200))))
            left, top = (int(v) for v in rng.integers(0, 20, 2))
            frame = frame.crop((left, top, left + 380, top + 280))
            lit = (np.asarray(frame) * rng.uniform(0.92, 1.08) + rng.uniform(-6, 6)).clip(0, 255)
            yield _noisy(Image.fromarray(lit.astype(np.uint8)), rng, 3)


def _closed_curve(rng: np.random.Generator, wobble: float) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, 240)
    radius = np.ones_like(angle)
    for wave in range(2, 14):
        radius += rng.normal(0, wobble / wave) * np.cos(wave * angle) + rng.normal(0, wobble / wave) * np.sin(
            wave * angle
        )
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def leaves(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Silhouettes, black on white, five of each species: nearly the same outline, of other size and turn."""
    while True:
        species = _closed_curve(rng, 0.25) * rng.uniform(0.4, 1, 2)
        for _ in range(5):
            turn, own = rng.normal(0, 0.3), _closed_curve(rng, 0.02) - _closed_curve(rng, 0.0)
            rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
            points = ((species + own) @ rotation) * rng.uniform(90, 130) + [200, 150]
            image = Image.new("L", (400, 300), 255)
            ImageDraw.Draw(image).polygon([tuple(point) for point in points.tolist()], 0)
            yield image.convert("RGB")


def coins(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Discs with a numeral, a rim of letters and some wear, on a grey ground; of other values, years and metals."""
    ring, value = ImageFont.load_default(20), ImageFont.load_default(90)
    metals = [(190, 160, 80), (180, 180, 185), (170, 110, 70)]
    drawn: set[tuple[int, int, int]] = set()  # two equal drawings would be copies
    for turn in count():
        metal = metals[turn % 3]
        while (coin := (turn % 3, int(rng.choice([1, 2, 5, 10, 20, 50])), int(rng.integers(1950, 2024)))) in drawn:
            pass
        drawn.add(coin)
        image = Image.new("RGB", (300, 300), (128, 128, 128))
        draw = ImageDraw.Draw(image)
        draw.ellipse((20, 20, 280, 280), metal, tuple(c - 60 for c in metal), 6)
        ink = tuple(c - 50 for c in metal)
        draw.text((150, 140), str(coin[1]), ink, value, "mm")
        draw.text((150, 220), str(coin[2]), ink, ring, "mm")
        for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False):
            x, y = 150 + 115 * np.cos(angle), 150 + 115 * np.sin(angle)
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), ink)
        yield _noisy(image.rotate(float(rng.normal(0, 8)), Image.Resampling.BICUBIC, fillcolor=(128, 128, 128)), rng, 5)


def portraits(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Frontal faces on one ground, all of one pose: other proportions, hair, eyes, shades."""
    while True:
        image = Image.new("RGB", (256, 320), (150, 165, 180))
        draw = ImageDraw.Draw(image)
        skin = np.array([225, 185, 155]) - rng.integers(0, 110) * np.array([0.8, 0.9, 1])
        hair = tuple(int(c) for c in rng.integers(10, 120, 3))
        wide, high = int(rng.integers(62, 76)), int(rng.integers(86, 100))
        draw.rectangle((60, 260, 196, 320), tuple(int(c) for c in rng.integers(20, 220, 3)))
        draw.ellipse((128 - wide - 8, 40, 128 + wide + 8, 210 + int(rng.integers(0, 60))), hair)
        draw.ellipse((128 - wide, 165 - high, 128 + wide, 165 + high), tuple(int(c) for c in skin))
        eye, apart = int(rng.integers(4, 8)), int(rng.integers(24, 32))
        for x in (128 - apart, 128 + apart):
            draw.ellipse((x - 10, 140 - eye, x + 10, 140 + eye), "white")
            draw.ellipse((x - 4, 136, x + 4, 144), tuple(int(c) for c in rng.integers(20, 120, 3)))
            draw.arc((x - 14, 118, x + 14, 140), 200, 340, hair, 3)
        shadow = tuple(int(c) for c in skin * 0.8)
        draw.line((128, 145, 128 + int(rng.integers(-6, 7)), 175, 128, 178), shadow, 3)
        draw.arc((106, 185, 150, 205 + int(rng.integers(0, 12))), 20, 160, (150, 60, 60), 4)
        yield _noisy(image.filter(ImageFilter.GaussianBlur(1.5)), rng, 2.5)


def comics(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Two panels in black lines: the same figures in the same room, other poses and other words."""
    font = ImageFont.load_default(18)
    while True:
        room = rng.integers(40, 260, (6, 4)).tolist()
        for _ in range(4):
            image = Image.new("RGB", (480, 320), "white")
            draw = ImageDraw.Draw(image)
            for left in (10, 245):
                draw.rectangle((left, 10, left + 225, 310), outline="black", width=3)
                for x, y, wide, high in room:
                    draw.line((left + x % 200, y, left + (x + wide) % 220, (y + high) % 290 + 15), "black", 2)
                x, y = left + int(rng.integers(50, 170)), int(rng.integers(130, 190))
                draw.ellipse((x - 24, y - 24, x + 24, y + 24), "white", "black", 3)
                for foot in rng.integers(-50, 51, 2).tolist():
                    draw.line((x, y + 24, x, y + 70, x + foot, y + 120), "black", 3)
                draw.ellipse((left + 15, 20, left + 210, 80), "white", "black", 2)
                draw.text((left + 112, 50), _words(rng, 2), "black", font, "mm")
            yield image


def stars(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Four photographs of one field of stars by night, shifted, with other noise and a point that wanders."""
    x, y = np.mgrid[-2:3, -2:3]
    point = np.exp(-(x**2 + y**2) / 2.5)
    while True:
        field = rng.uniform(0, 1, (160, 3)) * (440, 340, 1)
        for _ in range(4):
            sky, shift = np.full((340, 440), 14.0), rng.integers(0, 30, 2)
            for column, row, light in [*field, (*rng.uniform(60, 240, 2), 0.9)]:
                at = np.s_[int(row) : int(row) + 5, int(column) : int(column) + 5]
                sky[at] += 250 * light**3 * point[: sky[at].shape[0], : sky[at].shape[1]]
            image = Image.fromarray(sky.clip(0, 255).astype(np.uint8)).convert("RGB")
            left, top = shift.tolist()
            yield _noisy(image.crop((left, top, left + 400, top + 300)), rng, 4)


def scores(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Sheets of music in one layout; every third differs from the one before in the notes of one bar."""
    notes = rng.integers(0, 9, (8, 28))
    for turn in count():
        if turn % 3:
            line, bar = int(rng.integers(0, 8)), 7 * int(rng.integers(0, 4))
            notes[line, bar : bar + 7] = rng.integers(0, 9, 7)
        else:
            notes = rng.integers(0, 9, (8, 28))
        image = Image.new("L", (827, 1169), 255)
        draw = ImageDraw.Draw(image)
        for line in range(8):
            top = 110 + 125 * line
            for staff in range(5):
                draw.line((60, top + 12 * staff, 767, top + 12 * staff), 0)
            for place, note in enumerate(notes[line].tolist()):
                x, y = 85 + 24 * place, top + 6 * note
                draw.ellipse((x - 7, y - 5, x + 7, y + 5), 0)
                draw.line((x + 6, y, x + 6, y - 34), 0, 2)
                if place % 7 == 6:
                    draw.line((x + 13, top, x + 13, top + 48), 0)
        yield image.convert("RGB")


def xrays(rng: np.random.Generator) -> Iterator[Image.Image]:
    """Chests in one pose, smooth and grey, of other proportions; every second has a spot that the first has not."""
    y, x = np.mgrid[-1:1:320j, -1:1:320j]
    while True:
        wide, high, spine, ribs = rng.uniform((0.3, 0.55, 0.07, 9), (0.42, 0.75, 0.12, 13))
        lungs = sum(np.exp(-((((x - side) / wide) ** 2 + (y / high) ** 2) ** 2)) for side in (-0.42, 0.42))
        body = 190 - 120 * lungs + 50 * np.exp(-((x / spine) ** 2)) + 14 * lungs * np.sin(ribs * (y + 0.4 * x**2) * 3)
        at = rng.uniform(-0.5, 0.5, 2)
        for spot in (0, 30):
            shade = body + spot * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 0.003)
            yield _noisy(Image.fromarray(shade.clip(0, 255).astype(np.uint8)).convert("RGB"), rng, 3)


MAKERS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        *(pages, statements, chats, slides, products, clothes, dark_frames, gradients),
        *(games, bursts, leaves, coins, portraits),
        *(comics, stars, scores, xrays),  # drawn after every threshold was set
    )
}
