"""Asks a server again and again, and writes down each failure: ``python -m tests.support.pinger URL FILE``.

Runs until its standard input is closed, then writes ``asked N failed M`` as the file's last line.
"""

from __future__ import annotations

import select
import sys
from pathlib import Path

import zmq

from tests.support.server import Raw


def main(url: str, file: Path) -> None:
    asked = failed = 0
    with Raw(url) as raw, file.open("w", buffering=1) as log:
        raw.socket.setsockopt(zmq.RCVTIMEO, 5000)
        done = False
        while not done:
            asked += 1
            try:
                assert raw.text("ruok") == "imok"
            except (zmq.ZMQError, AssertionError) as error:
                failed += 1
                log.write(f"{error!r}\n")
                break
            done = bool(select.select([sys.stdin], [], [], 0.05)[0])
        log.write(f"asked {asked} failed {failed}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
