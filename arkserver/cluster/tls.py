"""Encryption between server and workers: one authority, one certificate that all of them hold."""

from __future__ import annotations

from pathlib import Path

from distributed.security import Security

from arkserver.errors import ConfigurationError

CA, CERT, KEY = "ca.pem", "cert.pem", "key.pem"


def make_certificates(folder: Path) -> list[Path]:
    """Write an authority, a certificate and its key into `folder`; the key is readable by its owner only.

    Who holds the key is a member of the cluster; copy the folder to every machine that runs a worker, or keep it on a
    file system that they share. The authority's own key is not kept: making new certificates locks old holders out.

    Raises
    ------
    ConfigurationError
        When there are certificates already, or the package ``trustme`` is not installed.
    """
    try:
        import trustme
    except ModuleNotFoundError:
        raise ConfigurationError("install trustme to make certificates: pip install arkserver-eda[tls]") from None
    paths = [folder / name for name in (CA, CERT, KEY)]
    if found := [p for p in paths if p.exists()]:
        raise ConfigurationError(f"{found[0]} is there already; remove it to make new certificates")
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="arkserver")
    member = authority.issue_cert("arkserver.internal", common_name="arkserver")
    paths[2].touch(mode=0o600)
    authority.cert_pem.write_to_path(paths[0])
    member.cert_chain_pems[0].write_to_path(paths[1])
    member.private_key_pem.write_to_path(paths[2], append=True)
    return paths


def security(folder: Path | None) -> Security | None:
    """Dask's settings for the certificates in `folder`; None without one.

    Raises
    ------
    ConfigurationError
        When a file is missing.
    """
    if folder is None:
        return None
    missing = [str(folder / name) for name in (CA, CERT, KEY) if not (folder / name).is_file()]
    if missing:
        raise ConfigurationError(f"--tls-folder: {missing[0]} is missing; make it with: arkserver certs {folder}")
    pair = {f"tls_{who}_{what}": str(folder / f) for who in ROLES for what, f in (("cert", CERT), ("key", KEY))}
    return Security(require_encryption=True, tls_ca_file=str(folder / CA), **pair)


ROLES = ("scheduler", "worker", "client")
