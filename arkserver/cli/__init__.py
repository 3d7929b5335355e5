"""The command line: ``arkserver start`` and what belongs to it; one module for each group of commands.

Every module has ``add(commands)``, which adds its parsers; a parser's default ``run`` takes the parsed arguments and
returns the exit status. Heavy modules are imported when their command runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from arkserver.cli import about, control, doctor, integration, pages, start, workers
from arkserver.errors import ArkserverError, ConfigurationError

USAGE_ERROR = 2

HOLD_ARRAYS = ("start", "worker")
"""commands whose process holds arrays"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of the command line.

    Returns
    -------
    int
        The exit status: 0, 1 for a failure, 2 for settings that cannot work.
    """
    if argv is None and sys.argv[1:2] and sys.argv[1] in HOLD_ARRAYS:
        pages.ask_for_huge_pages()
    try:
        arguments = _parser().parse_args(integration.translate(sys.argv[1:] if argv is None else argv))
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except ConfigurationError as e:
        return _complain(str(e), USAGE_ERROR)
    except ModuleNotFoundError as e:
        return _complain(f"{e}; the server's packages are the extra 'server' of arkserver-eda", USAGE_ERROR)
    except (ArkserverError, ConnectionError, TimeoutError) as e:
        return _complain(str(e), 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="arkserver", description="An interactive array server.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (start, control, workers, about, doctor, integration):
        module.add(commands)
    return parser


def _complain(text: str, status: int) -> int:
    print(f"arkserver: {text}", file=sys.stderr)
    return status
