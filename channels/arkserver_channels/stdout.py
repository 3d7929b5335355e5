"""Messages as text on standard output."""

from __future__ import annotations

import sys

from arkserver_channels.types import Answer, Channel, Message


class StdoutChannel(Channel):
    """Prints each payload, ended by a line feed. A message without payload (a withdrawal) prints nothing."""

    async def write(self, message: Message) -> Answer:
        if message.payload:
            # One call, so that concurrent messages do not mix.
            sys.stdout.write(message.payload if message.payload.endswith("\n") else message.payload + "\n")
            sys.stdout.flush()
        return Answer(200)
