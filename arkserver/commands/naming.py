"""Names that users give to objects: register, attach, unregister, list."""

from __future__ import annotations

from arkserver.commands.context import Context
from arkserver.commands.registry import command
from arkserver.commands.results import Json
from arkserver.wire import objects, replies
from arkserver.wire.envelope import Parameters, json_text


@command("register", inline=True, distributed="server")
def register(context: Context, name: str, obj_type: str, parameters: Parameters) -> str:
    """Give a name to an object; the symbols that it is made of cannot be deleted from now on."""
    kind = obj_type.upper()
    context.engine.registry.register(name, objects.described(kind, parameters))
    return f"Registered {objects.REPLIES.get(kind, kind)}"


@command("unregister", inline=True, distributed="server")
def unregister(context: Context, name: str) -> str:
    """Take a name back; the symbols stay until they are deleted."""
    item = context.engine.registry.unregister(name)
    return f"Unregistered {item.kind} {name}"


@command("attach", inline=True, distributed="server")
def attach(context: Context, name: str) -> Json:
    """What a client needs to make the object under a name again."""
    item = context.engine.registry.get(name)
    return Json({"objType": item.kind, "create": objects.create_text(item, lambda symbol: _line(context, symbol))})


def _line(context: Context, symbol: str) -> str:
    return replies.created(symbol, context.engine.symbols.get(symbol))


@command("list_registry", inline=True, distributed="server")
def registered(context: Context) -> Json:
    """The names, what they stand for, and the symbols that they pin."""
    items = context.engine.registry.items()
    return Json(
        {
            "Objects": json_text([name for name, _ in items]),
            "Object_Types": json_text([item.kind for _, item in items]),
            "Components": json_text([symbol for _, item in items for symbol in item.components]),
        }
    )
