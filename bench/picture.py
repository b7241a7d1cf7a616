"""The picture of a measurement: for each job a bar for each tool, as long as its ratio to the fastest other tool."""

from __future__ import annotations

from html import escape
from typing import Any

from bench.ratios import OURS, Row, rows

_LEFT, _BAR, _LINE, _WIDTH = 210, 440, 17, 860
_MOST = 5.0  # a longer bar is cut off, and says so
_STYLE = """
  .ground { fill: #ffffff } text { fill: #24292f; font: 12px system-ui, sans-serif }
  .title { font-weight: 600 } .ours { fill: #0b6e99 } .other { fill: #9aa7b1 } .bar { fill: #d3b56a }
  .one { stroke: #57606a; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #14181c } text { fill: #d8dee4 } .ours { fill: #3aa6d0 } .other { fill: #5d6873 }
    .bar { fill: #8d7638 } .one { stroke: #8b949e }
  }
"""


def picture(results: dict[str, Any]) -> str:
    """An SVG that brings its own ground, so that it is legible on light and dark pages."""
    parts, top = [_key()], 40
    for job in results["jobs"]:
        shown = [row for row in rows(job) if row.ratio is not None]
        if not shown:
            continue
        parts.append(f'<text class="title" x="12" y="{top + 12}">{escape(job["title"])}</text>')
        top += 20
        for row in shown:
            parts.append(_bar(row, top))
            top += _LINE
        at = _LEFT + _BAR / _MOST
        parts.append(f'<line class="one" x1="{at}" x2="{at}" y1="{top - _LINE * len(shown)}" y2="{top - 3}"/>')
        top += 12
    label = "Seconds of each tool as a ratio to the fastest other tool"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" height="{top}"'
        f' role="img" aria-label="{label}">\n<style>{_STYLE}</style>\n'
        f'<rect class="ground" width="{_WIDTH}" height="{top}" rx="8"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _key() -> str:
    names = (("ours", "Towpath"), ("other", "another tool, the same output"), ("bar", "other work, or another output"))
    parts = []
    for at, (kind, name) in enumerate(names):
        left = 12 + at * 230
        parts.append(f'<rect class="{kind}" x="{left}" y="14" width="12" height="12" rx="2"/>')
        parts.append(f'<text x="{left + 18}" y="24">{name}</text>')
    return "\n".join(parts)


def _bar(row: Row, top: int) -> str:
    assert row.ratio is not None
    assert row.seconds is not None
    kind = "ours" if row.tool == OURS else "bar" if row.bar or row.said.startswith("differs") else "other"
    long = min(row.ratio, _MOST) / _MOST * _BAR
    beside = _LEFT + max(long, _BAR / _MOST) + 6  # right of the line at 1
    more = " →" if row.ratio > _MOST else ""
    return (
        f'<text x="{_LEFT - 8}" y="{top + 11}" text-anchor="end">{escape(row.label[:34])}</text>'
        f'<rect class="{kind}" x="{_LEFT}" y="{top + 1}" width="{long:.1f}" height="12" rx="2"/>'
        f'<text x="{beside:.1f}" y="{top + 11}">{row.ratio:.2f} ×{more} · {row.seconds:.2f} s</text>'
    )
