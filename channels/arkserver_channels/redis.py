"""Messages to a Redis server."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import redis.asyncio as redis
from redis import exceptions

from arkserver_channels import tls
from arkserver_channels.types import (
    Answer,
    Channel,
    ChannelError,
    ChannelOptions,
    ChannelOptionsError,
    HttpRequestType,
    Message,
    UnreachableError,
    UntrustedPeerError,
)

Reply = Any
"""What redis-py makes of a reply: an integer, bytes, None, or a list of these."""


class RedisChannel(Channel):
    """Talks about the key that the address names: PUT sets it, GET reads it, DELETE removes it.

    POST runs the payload, a JSON list of commands such as ``[["SET", "k", "v"], ["PUBLISH", "c", "k"]]``, as one
    transaction; the answer's body is the JSON list of the replies. A refusal of the server is an answer with the status
    that HTTP has for it: 401 for wrong credentials, 403 for a missing right, 400 for anything else.
    """

    def __init__(self, options: ChannelOptions) -> None:
        super().__init__(options)
        if options.url.partition("://")[0] not in {"redis", "rediss"}:
            raise ChannelOptionsError(f"a REDIS channel needs a redis:// or rediss:// URL, not {options.url!r}")
        self._client: redis.Redis | None = None

    async def write(self, message: Message) -> Answer:
        try:
            return await self._write(message)
        except exceptions.RedisError as error:
            return self._refusal(error)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _write(self, message: Message) -> Answer:
        client = self._connected()
        match message.request_type:
            case HttpRequestType.PUT:
                lifetime_ms = None if message.lifetime_s is None else int(message.lifetime_s * 1000)
                await client.set(message.address, message.payload, px=lifetime_ms)
                return Answer(200)
            case HttpRequestType.GET:
                value = await client.get(message.address)
                return (
                    Answer(404) if value is None else Answer(200, value if isinstance(value, bytes) else value.encode())
                )
            case HttpRequestType.DELETE:
                await client.delete(message.address)
                return Answer(200)
            case HttpRequestType.POST:
                return await _transaction(client, message.payload)
            case _:
                raise ChannelOptionsError(
                    f"a REDIS channel has no {message.request_type}; use PUT, GET, DELETE or POST"
                )

    def _connected(self) -> redis.Redis:
        if self._client is None:
            options = self.options
            secure: dict[str, Any] = {}
            if options.url.startswith("rediss://"):
                tls.client_context(options)  # names the file that is wrong, which redis-py does not
                secure = {
                    "ssl_cert_reqs": "required",
                    "ssl_check_hostname": True,
                    "ssl_ca_certs": options.ca_file and str(options.ca_file),
                    "ssl_certfile": options.cert_file and str(options.cert_file),
                    "ssl_keyfile": options.key_file and str(options.key_file),
                }
            self._client = redis.Redis.from_url(
                options.url,
                username=options.user or None,
                password=options.password or None,
                socket_timeout=options.timeout_s,
                socket_connect_timeout=options.timeout_s,
                retry=_retry(options),
                **secure,
            )
        return self._client

    def _refusal(self, error: exceptions.RedisError) -> Answer:
        if isinstance(error, exceptions.AuthenticationError):  # a ConnectionError in redis-py
            return Answer(401, str(error).encode())
        if isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError):
            self._unreachable(error)
        status = 403 if isinstance(error, exceptions.NoPermissionError) else 400
        return Answer(status, str(error).encode())

    def _unreachable(self, error: exceptions.RedisError) -> NoReturn:
        place = self.options.url.rpartition("@")[2]  # without the password
        if reason := tls.untrusted(error):
            raise UntrustedPeerError(
                f"the certificate of {place} is not trusted ({reason}); nothing was sent"
            ) from error
        raise UnreachableError(f"cannot reach {place}: {error}") from error


def _retry(options: ChannelOptions) -> Any:
    from redis.asyncio.retry import Retry
    from redis.backoff import FullJitterBackoff

    return Retry(FullJitterBackoff(base=options.backoff_s), options.retries)


async def _transaction(client: redis.Redis, payload: str) -> Answer:
    try:
        commands = json.loads(payload)
        pipeline = client.pipeline(transaction=True)
        for command in commands:
            pipeline.execute_command(*command)
    except (ValueError, TypeError) as error:
        raise ChannelError(f"POST to REDIS takes a JSON list of commands: {error}") from error
    replies: list[Reply] = await pipeline.execute()
    return Answer(200, json.dumps(replies, default=_text).encode())


def _text(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, set):
        return sorted(_text(item) for item in value)  # type: ignore[type-var]
    return str(value)
