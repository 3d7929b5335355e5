"""Names that keep objects on the server beyond the session."""

from __future__ import annotations

from typing import Any

import msgspec

from arkserver.client.remote import Remote
from arkserver.client.requests import Requests

_PINNED_TYPES = {"PDARRAY", "STRINGS", "DATETIME", "TIMEDELTA", "IPV4"}


class Registry(Requests):
    """Registers arrays and strings on the server and finds them again."""

    def register(self, name: str, value: Remote) -> None:
        """Keep `value` under `name`, for any session, until it is unregistered.

        Raises
        ------
        ServerError
            If the name is taken.
        """
        kind = "Strings" if value.dtype_name == "str" else "pdarray"
        self.do("register", name=name, objType=kind, array=value)

    def attach(self, name: str) -> Any:
        """The array or strings that somebody registered under `name`.

        Raises
        ------
        ServerError
            If there is nothing of that name.
        TypeError
            If it is a compound object of another client.
        """
        found = self.json("attach", name=name)
        if found["objType"].upper() not in _PINNED_TYPES:
            raise TypeError(f"{name} is a {found['objType']}; this client attaches arrays and strings")
        return self.made(found["create"])[0]

    def unregister(self, name: str) -> None:
        """Forget the name; the object lives on while somebody has a handle.

        Raises
        ------
        ServerError
            If there is nothing of that name.
        """
        self.do("unregister", name=name)

    def list_registry(self) -> dict[str, str]:
        """Registered names and the types of their objects."""
        found = self.json("list_registry")
        names = msgspec.json.decode(found["Objects"])
        return dict(zip(names, msgspec.json.decode(found["Object_Types"]), strict=True))
