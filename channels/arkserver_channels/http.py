"""Messages over HTTP and HTTPS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import httpx

from arkserver_channels import tls
from arkserver_channels.backoff import delays
from arkserver_channels.types import (
    Answer,
    Channel,
    ChannelError,
    ChannelOptions,
    ChannelOptionsError,
    HttpRequestFormat,
    HttpRequestType,
    Message,
    UnreachableError,
    UntrustedPeerError,
)

_CONTENT_TYPES = {
    HttpRequestFormat.TEXT: "text/plain; charset=UTF-8",
    HttpRequestFormat.JSON: "application/json",
    HttpRequestFormat.APPLY: "application/apply-patch+yaml",
    HttpRequestFormat.MERGE: "application/merge-patch+json",
}
_LONGEST_RETRY_AFTER_S = 10.0


class HttpChannel(Channel):
    """Sends each message as one request to the address below the options' URL.

    Connection errors, 429 and 5xx are tried again after a while; other statuses are returned as they are. Redirects
    are not followed, since a token would go along. The token and the certificates are read again when they change.
    """

    def __init__(self, options: ChannelOptions) -> None:
        super().__init__(options)
        scheme = options.url.partition("://")[0]
        if scheme not in {"http", "https"}:
            raise ChannelOptionsError(f"an HTTP channel needs an http:// or https:// URL, not {options.url!r}")
        self._client: httpx.AsyncClient | None = None
        self._stamp: tls.Stamp = ()

    async def write(self, message: Message) -> Answer:
        waits = delays(self.options.backoff_s)
        for retry in range(self.options.retries + 1):
            last = retry == self.options.retries
            wait = next(waits)
            try:
                answer = await self._send(message)
            except UnreachableError:
                if last:
                    raise
            else:
                if last or not _worth_another_try(answer):
                    return answer
                wait = max(wait, _retry_after(answer))
            await asyncio.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _send(self, message: Message) -> Answer:
        client = await self._current_client()
        try:
            response = await client.send(self._request(client, message))
        except (httpx.TransportError, ssl.SSLError) as error:  # httpx lets an alert after the handshake through
            raise self._explain(error) from error
        return Answer(response.status_code, response.content, dict(response.headers))

    async def _current_client(self) -> httpx.AsyncClient:
        state = tls.stamp(self.options)
        if self._client is None or state != self._stamp:
            await self.close()
            self._stamp = state
            self._client = httpx.AsyncClient(
                base_url=self.options.url,
                verify=tls.client_context(self.options),
                timeout=self.options.timeout_s,
                proxy=self.options.proxy,
                # Longer than the pause between two renewals: a new TLS connection costs more than the request.
                limits=httpx.Limits(max_connections=10, keepalive_expiry=60),
            )
        return self._client

    def _request(self, client: httpx.AsyncClient, message: Message) -> httpx.Request:
        headers = self._authorization() | dict(message.headers)
        verb = message.request_type.value
        if message.request_format is HttpRequestFormat.MULTIPART:
            part = ("payload", message.payload.encode(), "application/octet-stream")
            return client.build_request(verb, message.address, headers=headers, files={"file": part})
        headers = {"Accept": _accept(message)} | headers
        if message.payload:
            headers = {"Content-Type": _content_type(message)} | headers
        return client.build_request(verb, message.address, headers=headers, content=message.payload.encode() or None)

    def _authorization(self) -> dict[str, str]:
        token = self.options.token
        if self.options.token_file:
            try:
                # Read each time: a bound token of Kubernetes is replaced in its file before it expires.
                token = self.options.token_file.read_text().strip()
            except OSError as error:
                raise ChannelOptionsError(
                    f"cannot read token file {self.options.token_file}: {error.strerror}"
                ) from error
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _explain(self, error: httpx.TransportError | ssl.SSLError) -> ChannelError:
        url = self.options.url
        if reason := tls.untrusted(error):
            return UntrustedPeerError(f"the certificate of {url} is not trusted ({reason}); nothing was sent")
        if isinstance(error, httpx.TimeoutException):
            return UnreachableError(f"no answer from {url} within {self.options.timeout_s:g} s")
        if isinstance(error, ssl.SSLError):
            return ChannelError(
                f"{url} broke the TLS connection off: {error.reason}; does it want a client certificate?"
            )
        return UnreachableError(f"cannot reach {url}: {str(error) or type(error).__name__}")


def _content_type(message: Message) -> str:
    if message.request_type is HttpRequestType.PATCH and message.request_format is HttpRequestFormat.JSON:
        return "application/json-patch+json"  # RFC 6902, what Arkouda sends as well
    return _CONTENT_TYPES[message.request_format]


def _accept(message: Message) -> str:
    return "text/plain" if message.request_format is HttpRequestFormat.TEXT else "application/json"


def _worth_another_try(answer: Answer) -> bool:
    return answer.status == 429 or answer.status >= 500


def _retry_after(answer: Answer) -> float:
    """Seconds that the peer asks to wait (RFC 9110, 10.2.3); 0 where it gives a date or nothing."""
    with contextlib.suppress(ValueError):
        return min(float(answer.headers.get("retry-after", "0")), _LONGEST_RETRY_AFTER_S)
    return 0.0
