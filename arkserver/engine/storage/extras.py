"""Packages that not every server has."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from arkserver.errors import UnsupportedError


def package(name: str, extra: str) -> Any:
    """The module `name`, imported when it is first needed.

    Raises
    ------
    UnsupportedError
        If it is not installed; the text says which extra installs it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as e:
        raise UnsupportedError(
            f"this server lacks the module {e.name}; its operator can install it with pip install "
            f"'arkserver-eda[{extra}]'"
        ) from None
