"""The rows of the benchmark, one module a topic; importing this package fills the table."""

from bench.cases import arrays, files, groups, ordering, sets, text, transfer

__all__ = ["arrays", "files", "groups", "ordering", "sets", "text", "transfer"]
