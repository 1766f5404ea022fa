"""`ivr vault`: the vault by itself, as its own user."""

import asyncio
import logging
import sys
from pathlib import Path

import click

from dialer.vault.config import load_vault_config
from dialer.vault.server import serve


@click.command()
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), default=Path("vault.toml"), show_default=True,
              help="The vault's settings; see docs/register.md.")
@click.option("--socket", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Where the engine reaches it.")
def vault(config: Path, socket: Path) -> None:
    """Run the vault by itself, so that it can have its own user; SIGTERM ends it.

    `socket_group` in its settings names a group that the engine's user is in; `[vault] socket` in ivr.toml
    names the socket.

    \b
    Example: sudo -u vault ivr vault --config /etc/hotline-vault/vault.toml --socket /run/hotline-vault/vault.sock
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="vault: %(message)s")
    asyncio.run(serve(load_vault_config(config), socket))
