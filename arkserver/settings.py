"""The settings of the server: one class, from flags, environment (``ARKSERVER_*``) and a TOML file, in this order.

Nothing else reads the environment, but the settings of the integration, which keep the names of Arkouda's page.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import psutil
from pydantic import BaseModel, BeforeValidator, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from arkserver.errors import ConfigurationError

INTEGRATION_TABLE = "integration"
"""Table of the TOML file that the settings of the integration are read from."""

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}


_GROUP, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def available_memory(group: Path = _GROUP, groups: Path = _GROUPS) -> int:
    """Bytes of this machine, or of the container, job or unit that this process is confined to.

    Parameters
    ----------
    group, groups : Path
        Where Linux says which control groups the process is in, and what their limits are (cgroups(7)).
    """
    limits = [psutil.virtual_memory().total]
    for line in group.read_text().split() if group.exists() else ():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        top, file = (groups / controllers, "memory.limit_in_bytes") if controllers else (groups, "memory.max")
        own = top / path.strip("/")
        # In a container the path is the host's, and its own group is mounted at the top.
        texts = [(folder / file).read_text().strip() for folder in (own, *own.parents) if (folder / file).is_file()]
        limits += [int(text) for text in texts if text.isdigit()]
    return min(limits)


def parse_bytes(text: Any) -> int:
    """``8GB``, ``512MiB``, ``90%`` of `available_memory`, or a number of bytes.

    Raises
    ------
    ValueError
        For any other text.
    """
    plain = str(text).strip().lower()
    if plain.endswith("%"):
        return int(available_memory() * float(plain[:-1]) / 100)
    digits = plain.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = plain[len(digits) :].strip()
    if unit not in _UNITS:
        raise ValueError(f"{text} is no size; write for example 8GB, 512MiB, 90% or a number of bytes")
    return int(float(digits) * _UNITS[unit])


def parse_ports(text: Any) -> Any:
    """``6000-6009`` or a single port, as the first and the last of a range; nothing is None.

    Raises
    ------
    ValueError
        For any other text.
    """
    if not isinstance(text, str):
        return text
    if not text:
        return None
    first, dash, last = text.partition("-")
    ends = (first, last if dash else first)
    if not all(end.isdigit() for end in ends) or not 0 < int(ends[0]) <= int(ends[1]) <= 65535:
        raise ValueError(f"{text} is no range of ports; write for example 6000-6009")
    return int(ends[0]), int(ends[1])


Bytes = Annotated[int, BeforeValidator(parse_bytes)]
Ports = Annotated[tuple[int, int] | None, NoDecode, BeforeValidator(parse_ports)]
Port = Annotated[int, Field(ge=0, le=65535)]


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class ClusterKind(StrEnum):
    """Who starts workers."""

    LOCAL = "local"
    SLURM = "slurm"


class WorkerSettings(BaseModel):
    """What a worker is like, and how it is started."""

    cluster: ClusterKind = Field(ClusterKind.LOCAL, description="who starts workers: local or slurm")
    worker_threads: int = Field(1, ge=1, description="threads that the kernels of one worker run on")
    join_seconds: float = Field(120.0, gt=0, description="time for the workers to be there at the start")
    keep_folder: Path | None = Field(
        None, description="folder for copies of what workers cannot compute again; temporary files if none"
    )
    tls_folder: Path | None = Field(None, description="certificates, made by arkserver certs; encrypts to workers")
    slurm_partition: str = Field("", description="partition of workers' jobs; the cluster's default if none")
    slurm_account: str = Field("", description="account of workers' jobs")
    slurm_walltime: str = Field("01:00:00", description="time limit of a worker's job, which is replaced then")
    slurm_leave: int = Field(300, ge=0, description="seconds before its time limit at which a worker's job is replaced")
    slurm_directives: str = Field("", description="further options of #SBATCH, separated by semicolons")
    slurm_setup: str = Field("", description="shell commands before a worker starts, separated by semicolons")
    slurm_logs: Path | None = Field(None, description="folder for the output of workers' jobs")


class CheckpointSettings(BaseModel):
    """When the server writes its state to the disk, and whether it begins with it."""

    checkpoint_folder: Path | None = Field(None, description="folder for this server's checkpoints, and no other's")
    checkpoint_seconds: float = Field(0.0, ge=0, description="seconds between checkpoints by the clock; 0 makes none")
    checkpoint_idle_seconds: float = Field(
        0.0, ge=0, description="seconds without a command before a checkpoint; 0 makes none"
    )
    checkpoint_at_end: bool = Field(True, description="write a checkpoint at the end, if there is a folder for it")
    checkpoint_keep: int = Field(3, ge=1, description="checkpoints to keep; older ones are removed")
    restore: bool = Field(False, description="begin with the newest good checkpoint of the folder, if there is one")


class _ConfigFile(TomlConfigSettingsSource):
    """The TOML file without the table of the integration, which has a class of its own."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if name != INTEGRATION_TABLE}


class ServerSettings(BaseSettings, WorkerSettings, CheckpointSettings):
    """What ``arkserver start`` can be told."""

    model_config = SettingsConfigDict(env_prefix="ARKSERVER_", extra="forbid")

    host: str = Field("0.0.0.0", description="address to listen on")  # noqa: S104 - a server for notebooks elsewhere
    port: Port = Field(5555, description="port for clients; 0 takes a free one")
    metrics_port: Port = Field(9555, description="port of /metrics, /healthz and /readyz; 0 takes a free one")
    arkouda_metrics_port: Port | None = Field(None, description="port of Arkouda's metrics socket; none without it")
    arkouda_status_port: Port | None = Field(None, description="port of Arkouda's status socket; none without it")
    scheduler_port: Port = Field(8786, description="port of the Dask scheduler; 0 takes a free one")
    dashboard_port: Port = Field(8787, description="port of the Dask dashboard; 0 takes a free one")
    scheduler: bool = Field(True, description="host the Dask scheduler and its dashboard")
    advertise: str = Field("", description="name or address that workers connect to; found if none")
    workers: int = Field(0, ge=0, description="Dask workers to start; large arrays live on them")
    worker_memory: Bytes = Field("0", validate_default=True, description="bytes of one worker; 0 shares the limit out")
    spill_factor: float = Field(10.0, ge=1, description="times workers' memory that arrays may take, the rest on disk")
    distribute_from: Bytes = Field("64MB", validate_default=True, description="bytes from which arrays go to workers")
    memory_limit: Bytes = Field("90%", validate_default=True, description="bytes for arrays, such as 8GB or 90%")
    threads: int = Field(0, ge=0, description="threads that kernels run on; 0 is one a core")
    authenticate: bool = Field(False, description="ask clients for a token")
    token: SecretStr | None = Field(None, description="the shared token; drawn and kept in .arkouda/tokens.txt if none")
    user_tokens: Path | None = Field(None, description="file of lines user,token")
    auto_shutdown: bool = Field(False, description="stop when a client disconnects")
    allow_apply: bool = Field(False, description="let clients run their own Python code on the server")
    transfer_ports: Ports = Field(
        None, description="ports over which arrays may go to and come from other servers, such as 6000-6009"
    )
    transfer_seconds: float = Field(60.0, gt=0, description="time that another server gets to connect and to answer")
    connection_file: Path | None = Field(None, description="file to announce host, port and URL in while serving")
    drain_seconds: float = Field(30.0, ge=0, description="time that running commands get at the end")
    log_level: LogLevel = Field(LogLevel.INFO, description="DEBUG, INFO, WARN, ERROR or CRITICAL")
    log_commands: bool = Field(True, description="log a line for every command")
    arkouda_version: str = Field("", description="version that is told to clients; theirs compares it with its own")
    warmup: bool = Field(True, description="compile common kernels in the background after the start")
    blocks: int = Field(1, ge=1, description="blocks of an array in this process; more than 1 is for tests")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags first, then the environment, then the file."""
        file = _ConfigFile(settings_cls, toml_file=_config_file)
        return init_settings, env_settings, file


_config_file: Path | None = None


def load(flags: dict[str, Any], config: Path | None) -> ServerSettings:
    """The settings from flags, environment and the TOML file `config`.

    Raises
    ------
    ConfigurationError
        One line that names the setting and what is wrong with it.
    """
    global _config_file
    if config is not None and not config.is_file():
        raise ConfigurationError(f"--config {config}: there is no such file")
    _config_file = config
    try:
        return ServerSettings(**flags)
    except ValueError as e:
        raise ConfigurationError(explain(e, config)) from None


def explain(error: ValueError, config: Path | None) -> str:
    """A validation error in one line."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return f"--config {config}: {error}" if config else str(error)
    return "; ".join(f"--{'.'.join(map(str, e['loc'])).replace('_', '-')}: {_reason(e)}" for e in errors())


def _reason(error: dict[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such setting"
    return f"{error['msg'].removeprefix('Value error, ')} (got {error['input']!r})"
