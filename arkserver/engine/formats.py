"""Numbers as text, as the protocol writes them."""

from __future__ import annotations


def float_text(value: float) -> str:
    """17 significant digits; a whole number gets a point and 17 zeros."""
    text = f"{value:.17g}"
    return f"{text}.00000000000000000" if text.lstrip("-").isdigit() else text
