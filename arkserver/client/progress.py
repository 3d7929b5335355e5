"""A line that says how far a long command is: on a terminal or in a notebook, nothing elsewhere."""

from __future__ import annotations

import sys
from typing import Any, Protocol, TextIO

WIDTH = 24


class Display(Protocol):
    """Shows one line of text in place of the last."""

    def show(self, text: str) -> None:
        """Show `text`; an empty one removes the line."""


class Terminal:
    """Overwrites the current line of a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, text: str) -> None:
        """Show `text` instead of the line."""
        self._stream.write(f"\r\033[K{text}")
        self._stream.flush()


class Notebook:
    """Updates one output of the running cell."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None

    def show(self, text: str) -> None:
        """Show `text` instead of the output."""
        data = {"text/plain": text}
        if self._handle is None:
            self._handle = self._display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


class Silent:
    """Shows nothing: a script's output is not for us."""

    def show(self, text: str) -> None:
        """Do nothing."""


def display() -> Display:
    """What suits the surroundings. IPython is only looked for where it runs already."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is not None:
        from IPython.display import display as show

        return Notebook(show)
    return Terminal(sys.stderr) if sys.stderr is not None and sys.stderr.isatty() else Silent()


def line(command: str, seconds: float, fraction: float) -> str:
    """The text: command, bar when the fraction is known, time."""
    name = command.partition("<")[0]
    if not fraction:
        return f"{name}: {seconds:.0f} s"
    filled = round(WIDTH * fraction)
    return f"{name} [{'#' * filled}{'.' * (WIDTH - filled)}] {fraction:4.0%} {seconds:.0f} s"
