"""Answers on the terminal: small tables and bars."""

from __future__ import annotations

import pandas as pd

BAR = 46
"""columns of the longest bar"""


def table(answer: pd.DataFrame) -> str:
    """A table with right-aligned numbers."""
    return _indented(answer.to_string(index=False, float_format=lambda v: f"{v:.2f}"))


def bars(answer: pd.DataFrame) -> str:
    """The last column as bars, labelled with the first."""
    labels, values = answer.iloc[:, 0], answer.iloc[:, -1]
    longest = max(1, int(values.max()))
    return _indented(
        "\n".join(
            f"{label!s:>6} {'#' * round(BAR * value / longest):{BAR}} {value:>8,}"
            for label, value in zip(labels, values, strict=True)
        )
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
