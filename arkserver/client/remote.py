"""A value that lives on the server, and its end: when Python forgets it, so does the server."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arkserver.client.session import Session


class Remote:
    """The handle of one symbol of the server.

    When the handle is collected its name is noted, without a message of its own; the next request of the session
    carries the names along.

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
        weakref.finalize(self, session.released.append, name).atexit = False
