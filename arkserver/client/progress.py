"""How far a long command is: a line on a terminal, a bar in a notebook, nothing elsewhere."""

from __future__ import annotations

import html
import sys
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

WIDTH = 24

_ROW = "display:flex;align-items:center;gap:10px;font-size:13px"


@dataclass(frozen=True, slots=True)
class Look:
    """What the server said of a running command."""

    command: str
    seconds: float
    """since it began"""
    step: int = 0
    """of how many nobody knows"""
    fraction: float = 0.0
    """of the step; 0 while unknown"""

    @property
    def facts(self) -> str:
        """Step and time."""
        return f"step {self.step}, {self.seconds:.0f} s" if self.step > 1 else f"{self.seconds:.0f} s"

    def line(self) -> str:
        """The text: command, bar when the fraction is known, step, time."""
        if not self.fraction:
            return f"{self.command}: {self.facts}"
        filled = round(WIDTH * self.fraction)
        return f"{self.command} [{'#' * filled}{'.' * (WIDTH - filled)}] {self.fraction:4.0%} {self.facts}"

    def bar(self) -> str:
        """The same in HTML; a bar without a value moves to and fro."""
        value = f' value="{self.fraction:.3f}"' if self.fraction else ""
        percent = f"<span>{self.fraction:.0%}</span>" if self.fraction else ""
        command, facts = html.escape(self.command), f'<span style="opacity:.65">{self.facts}</span>'
        return f'<div style="{_ROW}"><code>{command}</code><progress max="1"{value}></progress>{percent}{facts}</div>'


class Display(Protocol):
    """Shows how far one command is."""

    def show(self, look: Look) -> None:
        """Show `look` in place of the last."""

    def say(self, text: str) -> None:
        """Show a text in place of the last look."""

    def end(self, command: str, seconds: float) -> None:
        """The command has ended."""


class Terminal:
    """Overwrites the current line of a terminal; leaves nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, look: Look) -> None:
        """Show `look` in place of the last."""
        self.say(look.line())

    def say(self, text: str) -> None:
        """Show a text in place of the last look."""
        self._stream.write(f"\r\033[K{text}")
        self._stream.flush()

    def end(self, command: str, seconds: float) -> None:  # noqa: ARG002 - a terminal scrolls
        """Remove the line."""
        self.say("")


class Notebook:
    """Updates one output of the running cell; leaves a line that says how long the command took."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None

    def show(self, look: Look) -> None:
        """Show `look` in place of the last."""
        self._put(look.line(), look.bar())

    def say(self, text: str) -> None:
        """Show a text in place of the last look."""
        self._put(text, f'<div style="{_ROW}"><span style="opacity:.65">{html.escape(text)}</span></div>')

    def end(self, command: str, seconds: float) -> None:
        """Leave how long it took, if anything was shown."""
        if self._handle is not None:
            self.say(f"{command}: {seconds:.1f} s")

    def _put(self, text: str, bar: str) -> None:
        data = {"text/plain": text, "text/html": bar}
        if self._handle is None:
            self._handle = self._display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


class Silent:
    """Shows nothing: a script's output is not for us."""

    def show(self, look: Look) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""

    def end(self, command: str, seconds: float) -> None:
        """Do nothing."""


def display() -> Display:
    """What suits the surroundings. IPython is only looked for where it runs already."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is not None:
        from IPython.display import display as show

        return Notebook(show)
    return Terminal(sys.stderr) if sys.stderr is not None and sys.stderr.isatty() else Silent()
