from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from arkserver_channels import (
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
    open_channel,
)
from arkserver_channels.testing import ChannelContract

from tests.channels.conftest import Certificates
from tests.support.http_server import RecordingServer
from tests.support.ports import free_port

QUICK = ChannelOptions(backoff_s=0.01, timeout_s=2.0)


def write(options: ChannelOptions, *messages: Message) -> list[Answer]:
    async def go() -> list[Answer]:
        async with open_channel("HTTP", options) as channel:
            return [await channel.write(message) for message in messages]

    return asyncio.run(go())


class TestHttp(ChannelContract):
    @pytest.fixture(autouse=True)
    def _server(self, http_server: RecordingServer) -> None:
        self.server = http_server

    def make_channel(self) -> Channel:
        return open_channel("HTTP", replace(QUICK, url=self.server.url, token="s3cret"))

    def make_unreachable(self) -> Channel:
        return open_channel("HTTP", replace(QUICK, url=f"http://127.0.0.1:{free_port()}"))

    def delivered(self, address: str) -> list[str]:
        return [seen.body.decode() for seen in self.server.seen if seen.path == f"/{address}" and seen.verb == "PUT"]


@pytest.mark.parametrize("verb", HttpRequestType)
def test_every_request_type_is_sent_as_its_verb(http_server: RecordingServer, verb: HttpRequestType) -> None:
    write(replace(QUICK, url=http_server.url), Message("/a/b?c=d", "{}", verb))
    (seen,) = http_server.seen
    assert (seen.verb, seen.path, seen.body) == (verb.value, "/a/b?c=d", b"{}")


@pytest.mark.parametrize(
    ("verb", "form", "content_type"),
    [
        (HttpRequestType.POST, HttpRequestFormat.JSON, "application/json"),
        (HttpRequestType.PATCH, HttpRequestFormat.JSON, "application/json-patch+json"),
        (HttpRequestType.PATCH, HttpRequestFormat.MERGE, "application/merge-patch+json"),
        (HttpRequestType.PATCH, HttpRequestFormat.APPLY, "application/apply-patch+yaml"),
        (HttpRequestType.PUT, HttpRequestFormat.TEXT, "text/plain; charset=UTF-8"),
    ],
)
def test_the_format_is_said_in_the_content_type(
    http_server: RecordingServer, verb: HttpRequestType, form: HttpRequestFormat, content_type: str
) -> None:
    write(replace(QUICK, url=http_server.url), Message("/a", "{}", verb, form))
    assert http_server.seen[0].headers["Content-Type"] == content_type


def test_multipart_carries_the_payload_as_a_part(http_server: RecordingServer) -> None:
    message = Message("/a", "größe", HttpRequestType.POST, HttpRequestFormat.MULTIPART)
    write(replace(QUICK, url=http_server.url), message)
    (seen,) = http_server.seen
    assert seen.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    boundary = seen.headers["Content-Type"].partition("boundary=")[2]
    assert seen.body.count(boundary.encode()) == 2
    assert b'name="file"; filename="payload"' in seen.body
    assert "\r\n\r\ngröße\r\n".encode() in seen.body


def test_headers_of_the_message_go_along(http_server: RecordingServer) -> None:
    write(replace(QUICK, url=http_server.url), Message("/a", "{}", headers={"X-Consul-Token": "t"}))
    assert http_server.seen[0].headers["X-Consul-Token"] == "t"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_overload_and_server_errors_are_tried_again(http_server: RecordingServer, status: int) -> None:
    http_server.script.statuses = [status, status]
    (answer,) = write(replace(QUICK, url=http_server.url, retries=2), Message("/a", "{}"))
    assert (answer.status, len(http_server.seen)) == (200, 3)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 415, 422])
def test_other_refusals_are_answers_at_once(http_server: RecordingServer, status: int) -> None:
    http_server.script.statuses = [status]
    (answer,) = write(replace(QUICK, url=http_server.url, retries=2), Message("/a", "why"))
    assert (answer.status, answer.body, len(http_server.seen)) == (status, b"why", 1)
    assert not answer.ok


def test_the_last_answer_is_returned_when_retries_are_used_up(http_server: RecordingServer) -> None:
    http_server.script.statuses = [503] * 5
    (answer,) = write(replace(QUICK, url=http_server.url, retries=2), Message("/a", "{}"))
    assert (answer.status, len(http_server.seen)) == (503, 3)


def test_a_wait_that_the_server_asks_for_is_kept_and_a_senseless_one_ignored(http_server: RecordingServer) -> None:
    http_server.script.statuses = [429]
    http_server.script.headers = {"Retry-After": "soon"}
    (answer,) = write(replace(QUICK, url=http_server.url), Message("/a", "{}"))
    assert answer.ok


def test_connection_errors_are_tried_again() -> None:
    port = free_port()

    async def go() -> Answer:
        options = replace(QUICK, url=f"http://127.0.0.1:{port}", retries=50)
        async with open_channel("HTTP", options) as channel:
            task = asyncio.create_task(channel.write(Message("/a", "{}")))
            await asyncio.sleep(0.1)
            server = await asyncio.start_server(_say_ok, "127.0.0.1", port)
            async with server:
                return await task

    assert asyncio.run(go()).status == 204


async def _say_ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"{}")
    writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    writer.close()


def test_a_silent_peer_is_unreachable_after_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = replace(QUICK, url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.1, retries=0)
        with pytest.raises(UnreachableError, match=r"no answer from .* within 0\.1 s"):
            write(options, Message("/a", "{}"))


def test_redirects_are_not_followed(http_server: RecordingServer) -> None:
    http_server.script.statuses = [307]
    http_server.script.headers = {"Location": "/elsewhere"}
    (answer,) = write(replace(QUICK, url=http_server.url, token="secret"), Message("/a", "{}"))
    assert (answer.status, len(http_server.seen)) == (307, 1)


def test_the_token_is_sent_as_bearer(http_server: RecordingServer) -> None:
    write(replace(QUICK, url=http_server.url, token="s3cret"), Message("/a", "{}"))
    assert http_server.seen[0].headers["Authorization"] == "Bearer s3cret"


def test_the_token_file_is_read_again_when_it_changes(http_server: RecordingServer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one\n")

    async def go() -> None:
        async with open_channel("HTTP", replace(QUICK, url=http_server.url, token_file=file)) as channel:
            await channel.write(Message("/a", "{}"))
            file.write_text("two\n")
            await channel.write(Message("/a", "{}"))

    asyncio.run(go())
    assert [seen.headers["Authorization"] for seen in http_server.seen] == ["Bearer one", "Bearer two"]


def test_a_missing_token_file_is_named(http_server: RecordingServer, tmp_path: Path) -> None:
    with pytest.raises(ChannelOptionsError, match=r"cannot read token file .*/none"):
        write(replace(QUICK, url=http_server.url, token_file=tmp_path / "none"), Message("/a", "{}"))


def test_a_proxy_is_used(http_server: RecordingServer) -> None:
    write(replace(QUICK, url="http://far.example:1234", proxy=http_server.url), Message("/a", "{}"))
    assert http_server.seen[0].path == "http://far.example:1234/a"


@pytest.mark.parametrize("url", ["", "10.0.0.1:6443", "ftp://host"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ChannelOptionsError, match="http:// or https:// URL"):
        open_channel("HTTP", ChannelOptions(url=url))


@pytest.fixture
def tls_server(certificates: Certificates) -> Iterator[RecordingServer]:
    server = RecordingServer(certificates.authority, certificates.server)
    yield server
    server.close()


def trusted(server: RecordingServer, certificates: Certificates) -> ChannelOptions:
    return replace(
        QUICK,
        url=server.url,
        ca_file=certificates.authority.cert,
        cert_file=certificates.client.cert,
        key_file=certificates.client.key,
        retries=0,
    )


def test_client_certificate_and_ca_are_used(tls_server: RecordingServer, certificates: Certificates) -> None:
    (answer,) = write(trusted(tls_server, certificates), Message("/a", "{}"))
    assert answer.ok


@pytest.mark.parametrize("ca", ["system", "other"])
def test_a_peer_of_an_unknown_authority_gets_nothing(
    tls_server: RecordingServer, certificates: Certificates, ca: str
) -> None:
    options = replace(
        trusted(tls_server, certificates), ca_file=None if ca == "system" else certificates.other.cert, token="s3cret"
    )
    with pytest.raises(UntrustedPeerError, match="not trusted"):
        write(options, Message("/a", "{}"))
    assert tls_server.seen == []


def test_a_certificate_for_another_host_is_refused(tls_server: RecordingServer, certificates: Certificates) -> None:
    url = tls_server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(UntrustedPeerError, match="localhost"):
        write(replace(trusted(tls_server, certificates), url=url), Message("/a", "{}"))
    assert tls_server.seen == []


def test_a_client_without_certificate_is_not_let_in(tls_server: RecordingServer, certificates: Certificates) -> None:
    options = replace(trusted(tls_server, certificates), cert_file=None, key_file=None)
    with pytest.raises(ChannelError):  # reset, or an alert that says why: a race in TLS 1.3
        write(options, Message("/a", "{}"))


def test_a_renewed_ca_file_comes_into_use(
    tls_server: RecordingServer, certificates: Certificates, tmp_path: Path
) -> None:
    ca_file = tmp_path / "ca.crt"
    ca_file.write_bytes(certificates.other.cert.read_bytes())

    async def go() -> Answer:
        async with open_channel("HTTP", replace(trusted(tls_server, certificates), ca_file=ca_file)) as channel:
            with pytest.raises(UntrustedPeerError):
                await channel.write(Message("/a", "{}"))
            ca_file.write_bytes(certificates.authority.cert.read_bytes())
            return await channel.write(Message("/a", "{}"))

    assert asyncio.run(go()).ok


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"ca_file": Path("/nonexistent/ca.crt")}, "/nonexistent/ca.crt"),
        ({"cert_file": Path("/nonexistent/tls.crt")}, "/nonexistent/tls.crt"),
        ({"key_file": Path("/nonexistent/tls.key")}, "without its certificate"),
    ],
)
def test_a_missing_file_is_named(options: dict[str, Path], named: str) -> None:
    with pytest.raises(ChannelOptionsError, match=named):
        write(replace(QUICK, url="https://127.0.0.1:1", **options), Message("/a"))  # type: ignore[arg-type]


def test_a_channel_is_usable_in_a_thread_of_its_own(http_server: RecordingServer) -> None:
    answers: list[Answer] = []
    options = replace(QUICK, url=http_server.url)
    thread = threading.Thread(target=lambda: answers.extend(write(options, Message("/a", "{}"))))
    thread.start()
    thread.join()
    assert answers[0].ok
