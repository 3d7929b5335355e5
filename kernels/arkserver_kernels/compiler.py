"""The process that compiles kernels for others: ``python -m arkserver_kernels.compiler``, started by `compiling`."""

from __future__ import annotations

import importlib
import pickle
import select
import sys

from arkserver_kernels import policy

IDLE_SECONDS = 30.0


def main() -> int:
    """Compile what is asked for on standard input, with a point on standard output for each."""
    policy.compile_here()
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        try:
            name, signature = pickle.load(sys.stdin.buffer)  # noqa: S301 (from our own parent)
        except EOFError:
            break
        importlib.import_module(name.partition(":")[0])
        policy.REGISTRY[name][0].compile(signature)
        sys.stdout.write(".")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
