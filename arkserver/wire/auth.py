"""Tokens: one shared by all users, and further ones that each belong to one user."""

from __future__ import annotations

import hmac
import os
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from arkserver.errors import AuthenticationError, ConfigurationError

_ALPHABET = string.ascii_letters + string.digits
TOKEN_LENGTH = 31


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Decides whether a request may pass."""

    shared: str | None
    """the token of all users; None lets everybody in"""
    personal: Mapping[str, str] = field(default_factory=dict)
    """user -> token; such a user is not let in by another's"""

    def check(self, user: str, token: str | None) -> None:
        """Let the request pass or raise.

        Raises
        ------
        AuthenticationError
            If the token is missing or wrong.
        """
        if self.shared is None:
            return
        if not token or token == "None":  # noqa: S105 - the client's text for no token
            raise AuthenticationError("Error: access to arkouda requires a token")
        if any(_same(token, known) for known in self._tokens_of(user)):
            return
        raise AuthenticationError(f"Error: token {token} does not match server token, check with server owner")

    def knows(self, token: str) -> bool:
        """Whether `token` is one of the server's, whoever shows it."""
        known = [self.shared, *self.personal.values()]
        return any([_same(token, k) for k in known if k])  # noqa: C419 - all are compared, so that time tells nothing

    def _tokens_of(self, user: str) -> list[str]:
        own = self.personal.get(user)
        return [self.shared or ""] if own is None else [own]


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode(), b.encode())


def new_token() -> str:
    """A random token."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(TOKEN_LENGTH))


def shared_token(folder: Path, given: str | None) -> str:
    """The server's token: the last line of ``tokens.txt``, else `given`, else a new one, which is then kept there.

    The file is readable for its owner only.
    """
    path = folder / "tokens.txt"
    lines = path.read_text().split() if path.exists() else []
    if lines:
        return lines[-1]
    token = given or new_token()
    folder.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as f:
        f.write(token + "\n")
    return token


def read_personal_tokens(path: Path) -> dict[str, str]:
    """A file of lines ``user,token``.

    Raises
    ------
    ConfigurationError
        If the file cannot be read or a line has another form.
    """
    try:
        lines = path.read_text().splitlines()
    except OSError as e:
        raise ConfigurationError(f"the file of user tokens cannot be read: {e}") from None
    pairs = [line.partition(",") for line in lines if line.strip()]
    for number, (user, comma, token) in enumerate(pairs, 1):
        if not (user.strip() and comma and token.strip()):
            raise ConfigurationError(f"{path}, entry {number}: expected user,token")
    return {user.strip(): token.strip() for user, _, token in pairs}
