"""A value that lives on the server, and its end: when Python forgets it, so does the server."""

from __future__ import annotations

import weakref
from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arkserver.client.session import Session


class Holdings:
    """The symbols that Python objects of a session stand for, and those that none stands for any more.

    Objects end whenever the collector likes, in any thread and in the middle of anything, so an end only notes the
    name: no lock, no message.
    """

    def __init__(self) -> None:
        self._ended: deque[str] = deque()
        self._handles: Counter[str] = Counter()

    def hold(self, name: str) -> None:
        """One more object stands for `name`."""
        self._handles[name] += 1

    def end(self, name: str) -> None:
        """One object less stands for `name`."""
        self._ended.append(name)

    def take(self) -> list[str]:
        """The names that can go, each once; called by one thread at a time."""
        gone = []
        for _ in range(len(self._ended)):
            name = self._ended.popleft()
            self._handles[name] -= 1
            if self._handles[name] <= 0:
                del self._handles[name]
                gone.append(name)
        return gone

    def take_all(self) -> list[str]:
        """All names, as the session ends."""
        return [*self.take(), *self._handles]


class Remote:
    """The handle of one symbol of the server.

    When the handle is collected the next request of the session tells the server, without a message of its own.

    Parameters
    ----------
    session : Session
    name : str
        The symbol.
    """

    __slots__ = ("__weakref__", "name", "session")

    dtype_name: str
    """as the protocol calls it; ``str`` for strings"""

    def __init__(self, session: Session, name: str) -> None:
        self.session = session
        self.name = name
        holdings = session.connection.holdings
        holdings.hold(name)
        weakref.finalize(self, holdings.end, name).atexit = False
