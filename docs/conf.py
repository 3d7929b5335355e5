"""How Sphinx builds the documentation; the tables of commands and settings are written from the code at each build."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

import arkserver
from arkserver.commands import catalogue
from arkserver.integration.settings import IntegrationSettings, environment_names
from arkserver.settings import ServerSettings

project = "arkserver"
author = "The arkserver developers"
copyright = "2026, the arkserver developers"  # noqa: A001 - Sphinx's name for it
release = arkserver.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
nb_execution_mode = "off"  # a test runs the notebook
# What a run leaves; and generated tables, which are included by pages and not pages themselves.
exclude_patterns = ["_build", "jupyter_execute", "_generated"]
html_theme = "furo"
html_title = "arkserver"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"

_GENERATED = Path(__file__).parent / "_generated"


def _settings_table() -> str:
    lines = ["| flag | environment | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in ServerSettings.model_fields.items():
        flag, variable = f"--{name.replace('_', '-')}", f"ARKSERVER_{name.upper()}"
        lines.append(f"| `{flag}` | `{variable}` | `{field.default}` | {field.description} |")
    return "\n".join(lines)


def _integration_table() -> str:
    lines = ["| flag | environment | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in IntegrationSettings.model_fields.items():
        flag = "" if field.annotation is SecretStr else f"`--{name.replace('_', '-')}`"
        variables = ", ".join(f"`{variable}`" for variable in environment_names(name))
        default = "" if field.default_factory or field.annotation is SecretStr else f"`{field.default}`"
        lines.append(f"| {flag} | {variables} | {default} | {field.description} |")
    return "\n".join(lines)


def _write(name: str, text: str) -> None:
    _GENERATED.mkdir(exist_ok=True)
    (_GENERATED / name).write_text(text + "\n")


_write("commands.md", catalogue.as_markdown(catalogue.rows()))
_write("settings.md", _settings_table())
_write("integration-settings.md", _integration_table())
