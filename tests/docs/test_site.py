"""The site that `make docs` builds: without warnings, readable offline, every page reachable, every link right."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from towpath import errors_catalogue

DOCS = Path(__file__).parents[2] / "docs"
_ASSETS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}
_IN_CSS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")


class Page(HTMLParser):
    """What a page links to, loads, and can be linked at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.assets: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {one for one in (given.get("id"), given.get("name")) if one}
        if tag == "a" and given.get("href"):
            self.links.add(str(given["href"]))
        elif given.get(_ASSETS.get(tag, "")):
            self.assets.add(str(given[_ASSETS[tag]]))


def remote(address: str) -> bool:
    return re.match(r"[a-z]+:|//", address) is not None and not address.startswith("data:")


def from_elsewhere(site: Path) -> list[str]:
    """What the pages and their styles would load over a network."""
    found = [f"{name}: {one}" for name, page in pages(site).items() for one in page.assets if remote(one)]
    for sheet in site.rglob("*.css"):
        named = (one[1] or one[2] for one in _IN_CSS.finditer(sheet.read_text("utf-8")))
        found += [f"{sheet.relative_to(site)}: {one}" for one in named if remote(one)]
    return found


def pages(site: Path) -> dict[str, Page]:
    return {str(one.relative_to(site)): Page(one.read_text("utf-8")) for one in sorted(site.rglob("*.html"))}


def broken(site: Path) -> list[str]:
    """The links of pages to what is not there."""
    known, out = pages(site), []
    for name, page in known.items():
        for link in page.links:
            path, anchor = urldefrag(link)
            target = name if not path else _beside(site, name, path)
            if remote(link):
                continue
            if not (site / target).is_file() or (anchor and unquote(anchor) not in known[target].anchors):
                out.append(f"{name}: {link}")
    return out


def reached(site: Path) -> set[str]:
    """The pages that can be reached by links from the first."""
    known, found, new = pages(site), {"index.html"}, ["index.html"]
    while new:
        name = new.pop()
        for link in known[name].links:
            path = urldefrag(link)[0]
            target = _beside(site, name, path) if path and not remote(path) else name
            if target in known and target not in found:
                found.add(target)
                new.append(target)
    return found


def _beside(site: Path, name: str, link: str) -> str:
    return str(((site / name).parent / unquote(link)).resolve().relative_to(site.resolve()))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The site, built from a copy as of a fresh checkout: what earlier builds left is not in it."""
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("codes", "__pycache__"))
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", "site"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return tmp_path / "site"


# One test, for a build takes half a minute.
@pytest.mark.slow
def test_the_site_is_whole_and_loads_nothing_from_elsewhere(site: Path) -> None:
    assert from_elsewhere(site) == []
    assert broken(site) == []
    written = {str(page.relative_to(DOCS).with_suffix(".html")) for page in DOCS.rglob("*.md")}
    errors = {f"reference/errors/codes/{code}" for code in errors_catalogue.codes()}
    assert (written | {f"{page}.html" for page in errors}) - reached(site) == set()
    index = (site / "searchindex.js").read_text("utf-8")
    assert [page for page in errors if f'"{page}"' not in index] == []


def test_a_font_of_elsewhere_a_dead_link_and_a_lone_page_are_seen(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@import 'https://fonts.example/x.css'; b {background: url(local.png)}")
    script = "<script src='//cdn.example/x.js'></script>"
    (tmp_path / "index.html").write_text(f"{script}<a href='gone.html'></a><a href='two.html#here'></a>")
    (tmp_path / "two.html").write_text("<p id='there'></p><a href='index.html'></a><a href='https://example.org'></a>")
    (tmp_path / "alone.html").write_text("")
    assert from_elsewhere(tmp_path) == ["index.html: //cdn.example/x.js", "a.css: https://fonts.example/x.css"]
    assert sorted(broken(tmp_path)) == ["index.html: gone.html", "index.html: two.html#here"]
    assert reached(tmp_path) == {"index.html", "two.html"}
