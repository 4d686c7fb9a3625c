"""The map of the flash as a drawing: SVG written by hand, no program needed to make it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from n6prog.cli import text
from n6prog.cli.lanes import SHOWN, Lane, Span, lanes, shortened

if TYPE_CHECKING:
    from n6prog.layout.types import Placement, Refused

_WIDTH, _LEFT, _BAR = 960, 24, 912
_ROW = 18
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")  # Okabe and Ito: told apart by all eyes
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1a1a1a }
.head { font-size: 18px; font-weight: 600 }
.dim { fill: #5a5a5a }
.code { font-family: ui-monospace, monospace; font-size: 12px }
.bad { fill: #b00020 }
.lane { fill: #f1f1f1; stroke: #8a8a8a }
.free { stroke-dasharray: 3 3 }
.page { fill: #ffffff }
@media (prefers-color-scheme: dark) {
text { fill: #ececec } .dim { fill: #a8a8a8 } .bad { fill: #ff8a80 }
.lane { fill: #2b2b2b; stroke: #7a7a7a } .page { fill: #161616 }
}
"""


def map_svg(placement: Placement, base: int) -> str:
    """The drawing as SVG text: the whole flash to scale, every slot in use to a scale of its own, what has no place."""
    every = lanes(placement, base)
    files = list(dict.fromkeys(span.file for lane in every for span in lane.spans))
    colours = {file: _COLOURS[index % len(_COLOURS)] for index, file in enumerate(files)}
    body, y = [], 34
    nor, board = placement.device.nor, placement.device.board
    title = f"{nor.name}, {text.size(nor.size)}, on the {board.title}"
    body.append(_text(_LEFT, y, title, "head"))
    y += 26
    body += _overview(every, colours, y)
    y += 74
    for lane in every:
        if lane.spans:
            rows = list(_lane(lane, colours, y))
            body += rows
            y += 34 + _ROW * (1 + min(len(lane.spans), SHOWN + 1))
    if placement.refused:
        y += 12
        body.append(_text(_LEFT, y, "No place in this flash", "head bad"))
        y += 24
        for line in shortened([_refused(item) for item in placement.refused]):
            body.append(_text(_LEFT, y, line, "code bad"))
            y += _ROW
    height = y + 12
    size = f'width="{_WIDTH}" height="{height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {_WIDTH} {height}" role="img">',
            f"<title>{_safe(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="page" {size}/>',
            *body,
            "</svg>\n",
        ]
    )


def _overview(every: Sequence[Lane], colours: dict[str, str], y: int) -> Iterator[str]:
    """The whole part to scale; names of slots under it where they have room."""
    start, size = every[0].start, every[-1].end - every[0].start
    free = -1.0
    for lane in every:
        x = _LEFT + _BAR * (lane.start - start) / size
        yield _rect(x, y, _BAR * lane.size / size, 28, "lane" if lane.name else "lane free", lane.name or "no slot")
        width = 7.0 * len(lane.name)
        if lane.name and x >= free and x + width <= _LEFT + _BAR:
            yield _text(x, y + 44, lane.name, "dim")
            free = x + width + 8
    for lane in every:
        for span in _merged(lane.spans, size // _BAR):
            x = _LEFT + _BAR * (span.start - start) / size
            yield _filled(x, y, max(2.0, _BAR * span.size / size), 28, colours[span.file], _name(span))


def _lane(lane: Lane, colours: dict[str, str], y: int) -> Iterator[str]:
    """One slot: its name, its bar to its own scale, and one line for each span."""
    name = f"{lane.name or 'no slot'}  {lane.start:#010x}..{lane.end - 1:#010x}  "
    yield _text(_LEFT, y, name + f"{text.size(lane.used)} of {text.size(lane.size)}", "")
    yield _rect(_LEFT, y + 8, _BAR, 20, "lane" if lane.name else "lane free", lane.name or "no slot")
    for span in _merged(lane.spans, lane.size // _BAR):
        x = _LEFT + _BAR * (span.start - lane.start) / lane.size
        yield _filled(x, y + 8, max(2.0, _BAR * span.size / lane.size), 20, colours[span.file], _name(span))
    rows = [f"{span.start:#010x}  {text.size(span.size):>9}  {_name(span)}" for span in lane.spans]
    for row, words in enumerate(shortened(rows)):
        line = y + 44 + _ROW * row
        if row < min(len(rows), SHOWN):
            yield _filled(_LEFT, line - 9, 10, 10, colours[lane.spans[row].file], lane.spans[row].file)
        yield _text(_LEFT + 18, line, words, "code")


def _merged(spans: Sequence[Span], pixel: int) -> list[Span]:
    """The spans, those of one file joined that lie closer together than a pixel is wide."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last is not None and last.file == span.file and span.start - (last.start + last.size) < pixel:
            joined[-1] = replace(last, size=span.start + span.size - last.start)
        else:
            joined.append(span)
    return joined


def _name(span: Span) -> str:
    return f"{span.file} {span.sections}".rstrip()


def _refused(item: Refused) -> str:
    name = f"{PurePath(item.origin.file).name} {item.origin.section}".rstrip()
    return f"{item.address:#010x}  {item.region}  {text.size(item.size)}  {name}  {item.code}"


def _safe(words: str) -> str:
    """Text as XML takes it: names come from files and may hold anything."""
    return escape(text.safe(words))


def _text(x: float, y: float, words: str, kind: str) -> str:
    shown = words if len(words) <= 120 else words[:119] + "…"
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" xml:space="preserve">{_safe(shown)}</text>'


def _rect(x: float, y: float, width: float, height: float, kind: str, tip: str) -> str:
    size = f'x="{x:.2f}" y="{y:g}" width="{width:.2f}" height="{height:g}"'
    return f'<rect {size} class="{kind}"><title>{_safe(tip)}</title></rect>'


def _filled(x: float, y: float, width: float, height: float, colour: str, tip: str) -> str:
    size = f'x="{x:.2f}" y="{y:g}" width="{width:.2f}" height="{height:g}"'
    return f'<rect {size} fill="{colour}"><title>{_safe(tip)}</title></rect>'
