"""What is shown of a long command."""

from __future__ import annotations

import io
from typing import Any

import pytest

from arkserver.client.progress import Look, Notebook, Silent, Terminal, display


@pytest.mark.parametrize(
    ("look", "line"),
    [
        (Look("sort", 2.4), "sort: 2 s"),
        (Look("sort", 2.4, 1, 0.5), "sort [############............]  50% 2 s"),
        (Look("sort", 61.0, 3, 1.0), "sort [########################] 100% step 3, 61 s"),
    ],
)
def test_the_line(look: Look, line: str) -> None:
    assert look.line() == line


def test_a_terminal_keeps_nothing() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    terminal.show(Look("sort", 2.0, 1, 0.25))
    terminal.end("sort", 2.5)
    assert "25%" in stream.getvalue()
    assert stream.getvalue().endswith("\r\033[K")


class Handle:
    """What a notebook gives for an output."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []

    def __call__(self, data: dict[str, str], **_: Any) -> Handle:
        self.shown.append(data)
        return self

    def update(self, data: dict[str, str], **_: Any) -> None:
        self.shown.append(data)


def test_a_notebook_shows_a_bar_and_keeps_the_time() -> None:
    handle = Handle()
    notebook = Notebook(handle)
    notebook.show(Look("a<b>", 2.0, 2, 0.25))
    notebook.show(Look("a<b>", 3.0))
    notebook.end("a", 3.5)
    first, second, last = (data["text/html"] for data in handle.shown)
    assert '<progress max="1" value="0.250">' in first
    assert "a&lt;b&gt;" in first
    assert "step 2, 2 s" in first
    assert '<progress max="1">' in second
    assert "a: 3.5 s" in last


def test_a_notebook_says_nothing_of_a_command_that_showed_nothing() -> None:
    handle = Handle()
    Notebook(handle).end("sort", 1.2)
    assert not handle.shown


def test_scripts_are_left_alone() -> None:
    assert isinstance(display(), Silent)
