"""The rows of the benchmark, one module a topic; importing this package fills the table."""

from bench.cases import arrays, ordering, sets, text

__all__ = ["arrays", "ordering", "sets", "text"]
