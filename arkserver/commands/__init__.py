"""One module per family of commands: thin functions from decoded parameters to engine values.

Importing this package fills the registry.
"""

from arkserver.commands import (
    apply,
    bigint,
    casting,
    core,
    creation,
    datetime,
    diagnostics,
    elementwise,
    groupby,
    indexing,
    linalg,
    manipulation,
    naming,
    operators,
    random,
    reduction,
    regex,
    scan,
    sorting,
    stats,
    strings,
    transfer,
)

__all__ = [
    "apply",
    "bigint",
    "casting",
    "core",
    "creation",
    "datetime",
    "diagnostics",
    "elementwise",
    "groupby",
    "indexing",
    "linalg",
    "manipulation",
    "naming",
    "operators",
    "random",
    "reduction",
    "regex",
    "scan",
    "sorting",
    "stats",
    "strings",
    "transfer",
]
