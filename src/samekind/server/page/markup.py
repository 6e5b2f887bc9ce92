"""Verdicts in words and colour, as HTML. Everything that is not ours is escaped."""

from __future__ import annotations

from html import escape

from samekind.server.page.tradeoff import Trade

_CHECK = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 12.5l5.5 5.5L20 6.5"/></svg>'
_CROSS = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 6l12 12M18 6L6 18"/></svg>'

# Where the pictures of a trio stand: the corners of a triangle in a box of 320 × 260.
_CORNERS = ((160, 52), (52, 208), (268, 208))
_EDGES = ((0, 1), (0, 2), (1, 2))


def verdict_card(same: bool, words: str, probability: float, question: str, aside: str = "") -> str:
    """The answer: a word, a colour, and how probable it is.

    Args:
        same: Whether the answer is yes.
        words: The answer in words.
        probability: P(yes), in [0, 1].
        question: What the probability is of.
        aside: A number for those who know what it means.
    """
    percent = percentage(probability)
    return (
        f'<div class="sk-verdict {"sk-yes" if same else "sk-no"}">'
        f'<div class="sk-word">{_CHECK if same else _CROSS}<strong>{escape(words)}</strong></div>'
        f"<p>{escape(question)}: <b>{percent}</b>{f' <small>({escape(aside)})</small>' if aside else ''}</p>"
        f'<div class="sk-meter" aria-hidden="true"><i style="width:{100 * probability:.1f}%"></i></div></div>'
    )


def context_note(pictures: int, rates_from: str, doubt: str | None) -> str:
    """Among how many pictures was judged, whose error rates the verdict has, and why they may not hold.

    Args:
        pictures: The number of other pictures among which was judged; 0 for none.
        rates_from: What the rates were measured on.
        doubt: Why they may not hold here; None where they should.
    """
    among = f"Judged among {pictures:,} pictures: what they all have in common does not count. " if pictures else ""
    rates = f"How often this errs was measured on {escape(rates_from)}." if rates_from else ""
    warning = f'<p class="sk-doubt">Careful: {escape(doubt)}.</p>' if doubt else ""
    return f'{warning}<p class="sk-small sk-context">{among}{rates}</p>'


def percentage(probability: float) -> str:
    """A probability in whole percents that never claims certainty.

    Example:
        >>> percentage(0.9991), percentage(0.5), percentage(0.0)
        ('over 99 %', '50 %', 'under 1 %')
    """
    if probability > 0.99:
        return "over 99 %"
    return "under 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"


def triangle(similarities: tuple[float, float, float], most_alike: tuple[int, int]) -> str:
    """The three pictures at the corners of a triangle, the similarity of each pair on its side.

    The corners show the pictures by way of style variables that the page's script sets, so they are not sent back.
    """
    spoken = ", ".join(
        f"pictures {first + 1} and {second + 1}: {value:.2f}"
        for (first, second), value in zip(_EDGES, similarities, strict=True)
    )
    parts = []
    for edge, value in zip(_EDGES, similarities, strict=True):
        (x1, y1), (x2, y2) = _CORNERS[edge[0]], _CORNERS[edge[1]]
        kind = "sk-most" if edge == most_alike else ""
        width = 2 + 8 * max(0.0, value)
        parts.append(f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke-width="{width:.1f}"/>')
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
        parts.append(f'<g class="sk-tag {kind}"><rect x="{x - 25:g}" y="{y - 14:g}" width="50" height="28" rx="14"/>')
        parts.append(f'<text x="{x:g}" y="{y + 5:g}">{value:.2f}</text></g>')
    for number, (x, y) in enumerate(_CORNERS, 1):
        parts.append(
            f'<foreignObject x="{x - 46}" y="{y - 46}" width="92" height="92">'
            f'<div class="sk-corner" style="background-image:var(--sk-trio-{number})"><span>{number}</span></div>'
            "</foreignObject>"
        )
    return (
        f'<figure class="sk-triangle"><svg viewBox="0 0 320 260" role="img" aria-label="Similarities. {spoken}">'
        f"{''.join(parts)}</svg>"
        "<figcaption>How alike each two of them are: 1 is as alike as can be.</figcaption></figure>"
    )


def trade_text(trade: Trade, items: str, pictures: str) -> str:
    """What the threshold trades, in words and as two bars.

    Args:
        trade: The rates.
        items: What is judged: pairs or trios.
        pictures: What the rates were measured on.
    """
    source = (
        f"measured at the setting <b>{escape(trade.measured_at.replace('_', ' '))}</b>"
        if trade.measured_at
        else "estimated between measured settings"
    )
    return (
        '<dl class="sk-trade">'
        f"<div><dt>False alarms</dt><dd>{one_in(trade.false_alarms)} different {items} would count as the same"
        f"{_bar(trade.false_alarms)}</dd></div>"
        f"<div><dt>Misses</dt><dd>{one_in(trade.misses)} {items} of the same kind would be missed"
        f"{_bar(trade.misses)}</dd></div>"
        f"</dl><p class='sk-small'>Threshold {trade.threshold:.2f}; {source}, on {escape(pictures)}.</p>"
    )


def one_in(rate: float) -> str:
    """A rate as people say it.

    Example:
        >>> one_in(0.0048), one_in(0.4), one_in(0.0)
        ('About 1 in 210', 'About 40 in 100', 'Fewer than 1 in 1,000')
    """
    if rate < 0.001:
        return "Fewer than 1 in 1,000"
    if rate > 0.1:
        return f"About {100 * rate:.0f} in 100"
    one = 1 / rate
    return f"About 1 in {round(one, -1 if one > 50 else 0):,.0f}"


def _bar(rate: float) -> str:
    # On a scale of square roots, so that one in a hundred can be seen beside one in two.
    return f'<span class="sk-bar" aria-hidden="true"><i style="width:{100 * rate**0.5:.1f}%"></i></span>'


def error_box(sentence: str) -> str:
    """An error, as a sentence."""
    sentence = sentence[:1].upper() + sentence[1:]
    return f'<div class="sk-error" role="alert">{escape(sentence)}{"" if sentence.endswith(".") else "."}</div>'
