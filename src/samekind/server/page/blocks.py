"""The page: what is on it, and what happens when somebody gives it pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from importlib.resources import files
from typing import Annotated, Any, Self

import gradio as gr
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from samekind.adaptation.adaptation import pair_for, trio_for
from samekind.errors import NotCalibratedError
from samekind.explain.explanation import Explanation
from samekind.inference.verdict import TrioVerdict, Verdict
from samekind.model_file.calibration import PairCalibration, TrioCalibration
from samekind.model_file.card import Card
from samekind.server.http.problems import Problem
from samekind.server.limits import Limits
from samekind.server.page.events import AT_ONCE, answer_place, discreet
from samekind.server.page.markup import context_note, error_box, trade_text, triangle, verdict_card
from samekind.server.page.picture_inputs import others_of, picture_inputs, pictures_of
from samekind.server.page.tradeoff import Trade, same_strictness, slider_range, trade_at
from samekind.server.page.why import Explain, why_button
from samekind.server.service import Service

_PAIR_EXAMPLES = [
    ("Two halves of a cat", ("cat-left.jpg", "cat-right.jpg")),
    ("A cat and a rocket", ("cat.jpg", "rocket.jpg")),
]
_TRIO_EXAMPLES = [
    ("Coffee and two halves of a cat", ("coffee.jpg", "cat-left.jpg", "cat-right.jpg")),
    ("Cat, rocket, coffee", ("cat.jpg", "rocket.jpg", "coffee.jpg")),
]


_Place = Annotated[int, Field(ge=0, le=2)]


class _Found(BaseModel):
    """What was found for some pictures. It stays in the browser, and is checked when it comes back."""

    model_config = ConfigDict(allow_inf_nan=False)

    score: float
    probability: float
    similarities: tuple[float, float, float] = (0.0, 0.0, 0.0)
    most_alike: tuple[_Place, _Place] = (0, 1)
    doubt: Annotated[str, Field(max_length=1000)] | None = None
    pictures: Annotated[int, Field(ge=0)] = 0
    spread: Annotated[float, Field(gt=0)] | None = None
    length: Annotated[float, Field(ge=0, le=1)] = 0.0

    @classmethod
    def of(cls, verdict: Verdict | TrioVerdict, score: float, context: Card, bare: Card, **more: Any) -> Self:
        """What a verdict says, and in which context: enough to judge it by another threshold."""
        about = context.adapted if context is not bare else None
        return cls(
            score=score,
            probability=verdict.probability,
            doubt=verdict.doubt,
            pictures=about.pictures if about else 0,
            spread=about.spread if about else None,
            length=about.length if about else 0.0,
            **more,
        )


def build_blocks(service: Service, limits: Limits) -> tuple[gr.Blocks, dict[str, Any]]:
    """The page for a service, and how it looks: arguments for ``gradio.mount_gradio_app``."""
    with gr.Blocks(analytics_enabled=False, title="samekind: the same kind of thing?", fill_width=False) as blocks:
        gr.HTML(_header(), apply_default_css=False)
        with gr.Tabs():
            if service.card.pair is not None:
                with gr.Tab("Two images"):
                    _pair_tab(service, service.card.pair, limits)
            elif service.gallery is None:
                gr.HTML(_no_verdicts(service.card), apply_default_css=False)
            if service.card.trio is not None:
                with gr.Tab("Three images"):
                    _trio_tab(service, service.card.trio, limits)
            if service.gallery is not None:
                from samekind.server.page.gallery.duplicates import duplicates_tab  # noqa: PLC0415 - they import FAISS
                from samekind.server.page.gallery.search import search_tab  # noqa: PLC0415

                with gr.Tab("Search"):
                    search_tab(service, service.gallery, limits)
                with gr.Tab("Duplicates"):
                    duplicates_tab(service, service.gallery)
        gr.HTML(_footer(service), apply_default_css=False)
    theme = gr.themes.Base(
        primary_hue="teal",
        neutral_hue="stone",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    look = {"theme": theme, "css": files(__package__).joinpath("style.css").read_text(encoding="utf-8")}
    return blocks, look


def _pair_tab(service: Service, calibration: PairCalibration, limits: Limits) -> None:
    async def compare(value: Any) -> _Found:
        verdict, context = await service.verify(pictures_of(value, 2, limits), among=others_of(value, limits))
        return _Found.of(verdict, verdict.similarity, context, service.card)

    def in_context(answer: _Found) -> PairCalibration:
        domains = service.card.domains
        if domains is None or answer.spread is None:
            return calibration
        return pair_for(domains, answer.spread, answer.length)

    def describe(answer: _Found, threshold: float) -> str:
        same = answer.score >= threshold
        return verdict_card(
            same,
            "The same kind of thing" if same else "Different kinds of things",
            answer.probability,
            "Probability that they are of the same kind",
            f"similarity {answer.score:.2f}",
        )

    inputs = picture_inputs("pair", 2, limits, _PAIR_EXAMPLES, others=service.takes_others)
    why = _explaining(service, 2, limits)
    question = "How alike must two pictures be?"
    _judged(inputs, calibration, in_context, compare, describe, question=question, items="pairs", why=why)


def _trio_tab(service: Service, calibration: TrioCalibration, limits: Limits) -> None:
    async def compare(value: Any) -> _Found:
        verdict, context = await service.verify_trio(pictures_of(value, 3, limits), among=others_of(value, limits))
        first, second, third = (pair.similarity for pair in verdict.pairs)
        more: dict[str, Any] = {"similarities": (first, second, third), "most_alike": verdict.most_alike}
        return _Found.of(verdict, verdict.probability, context, service.card, **more)

    def in_context(answer: _Found) -> TrioCalibration:
        domains = service.card.domains
        if domains is None or answer.spread is None:
            return calibration
        return trio_for(domains, answer.spread, answer.length) or calibration

    def describe(answer: _Found, threshold: float) -> str:
        same = answer.score >= threshold
        first, second = answer.most_alike
        words = f"Pictures {first + 1} and {second + 1} are of the same kind" if same else "No two are of the same kind"
        question = "Probability that at least two are of the same kind"
        return verdict_card(same, words, answer.probability, question) + triangle(
            answer.similarities, answer.most_alike
        )

    inputs = picture_inputs("trio", 3, limits, _TRIO_EXAMPLES, others=service.takes_others)
    why = _explaining(service, 3, limits)
    question = "How sure must the answer yes be?"
    _judged(inputs, calibration, in_context, compare, describe, question=question, items="trios", why=why)


def _explaining(service: Service, count: int, limits: Limits) -> Explain | None:
    """What explains a verdict on so many pictures; None where that would take a hundred runs of the network."""

    async def explain(value: Any) -> Explanation:
        return await service.explain(pictures_of(value, count, limits), among=others_of(value, limits))

    return explain if service.explains else None


def _judged(
    inputs: gr.HTML,
    calibration: PairCalibration | TrioCalibration,
    in_context: Callable[[_Found], PairCalibration | TrioCalibration],
    compare: Callable[[Any], Awaitable[_Found]],
    describe: Callable[[_Found, float], str],
    *,
    question: str,
    items: str,
    why: Explain | None,
) -> None:
    """The verdict below some inputs, why it is so, and a slider for its threshold.

    What ``compare`` found stays in the browser, so moving the slider asks for no new embedding and the server remembers
    nothing.
    """

    def traded(trade: Trade, measured: PairCalibration | TrioCalibration) -> str:
        return trade_text(trade, items, measured.measured_on.kind_of_pictures)

    lowest, highest, start, step = slider_range(calibration)
    found = gr.HTML(None, visible="hidden")
    verdict = answer_place()
    # With new pictures the reasons for the last verdict go.
    reasons = [] if why is None else [why_button(inputs, why)]
    none_yet = [""] * len(reasons)
    with gr.Accordion("How strict should it be?", open=False, elem_classes="sk-strict"):
        slider = gr.Slider(lowest, highest, value=start, step=step, label=question, buttons=[])
        trade = gr.HTML(traded(trade_at(calibration, start), calibration), apply_default_css=False)

    def said(answer: _Found, position: float) -> tuple[str, str]:
        context = in_context(answer)
        now = trade_at(context, same_strictness(position, calibration, context))
        note = context_note(answer.pictures, context.measured_on.kind_of_pictures, answer.doubt)
        return describe(answer, now.threshold) + note, traded(now, context)

    @discreet
    async def judge(value: Any, position: float) -> tuple[Any, ...]:
        try:
            answer = await compare(value)
        except Problem as problem:
            return None, error_box(problem.detail), traded(trade_at(calibration, position), calibration), *none_yet
        return answer.model_dump(), *said(answer, position), *none_yet

    @discreet
    async def move(answer: Any, position: float) -> tuple[str, str]:
        without = traded(trade_at(calibration, position), calibration)
        try:
            return said(_Found.model_validate(answer), position) if answer else ("", without)
        except ValidationError:
            return error_box("what was found for the pictures did not come back whole"), without

    inputs.submit(judge, [inputs, slider], [found, verdict, trade, *reasons], **AT_ONCE)
    slider.change(move, [found, slider], [verdict, trade], trigger_mode="always_last", **AT_ONCE)


def _header() -> str:
    return (
        '<header class="sk-header"><h1>samekind</h1>'
        "<p>Do these pictures show the same kind of thing? Give two, or three, and see.</p></header>"
    )


def _no_verdicts(card: Card) -> str:
    return f'<p class="sk-lead">{escape(str(NotCalibratedError(card.name, adaptable=card.domains is not None)))}</p>'


def _footer(service: Service) -> str:
    training = service.card.training
    known = (
        f"learned from {training.images:,} pictures of {len(training.classes):,} classes"
        if training.images
        else "was made elsewhere"
    )
    return (
        f'<footer class="sk-footer"><p>The model <b>{escape(service.card.name)}</b> {known}. '
        "It errs more often on things of other kinds than it learned from."
        '</p><p>Pictures are judged in memory and forgotten. <a href="docs">The same over HTTP</a>.</p></footer>'
    )
