"""Rows of columns, be they arrays or strings."""

from __future__ import annotations

from arkserver.engine.algorithms import indexing
from arkserver.engine.algorithms.text import choosing
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, Column, Strings


def gather_column(ex: Executor, column: Column, rows: Array) -> Column:
    """The rows at int64 or uint64 positions that are known to be in range."""
    return choosing.gather(ex, column, rows) if isinstance(column, Strings) else indexing.gather(ex, column, rows)


def compress_column(ex: Executor, column: Column, mask: Array) -> Column:
    """The rows where a mask of the same length is true."""
    return choosing.compress(ex, column, mask) if isinstance(column, Strings) else indexing.compress(ex, column, mask)
