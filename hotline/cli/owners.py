"""`ivr owners`: the sealed register, on the police's side and on the hotline's."""

from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from dialer import owners as work
from dialer.errors import AuditBroken

path = click.Path(path_type=Path)
vault_option = click.option("--vault", "vault_config", type=path, default=Path("vault.toml"), show_default=True,
                            help="The vault's settings.")


@click.group()
def owners() -> None:
    """Seal, import and watch the register of owners. docs/register.md tells the whole story."""


@owners.command()
@click.argument("key_file", type=path)
def key(key_file: Path) -> None:
    """Write a new key to KEY_FILE, readable by its owner alone.

    \b
    Example: ivr owners key owners.key
    """
    work.make_key(key_file)
    click.echo(f"{key_file}: keep it apart from the sealed file")


@owners.command()
@click.argument("source", type=path)
@click.option("--key", "key_file", type=path, required=True, help="The key's file (ivr owners key).")
@click.option("--out", "target", type=path, default=Path("owners.reg"), show_default=True, help="The sealed file.")
@click.option("--last-wins", is_flag=True, help="Of a plate that stands twice, take the later line.")
def seal(source: Path, key_file: Path, target: Path, last_wins: bool) -> None:
    """Seal SOURCE, a CSV of owners (plate,phone,phone2,address,language,quiet).

    \b
    Example: ivr owners seal owners.csv --key owners.key --out owners.reg
    """
    with _progress() as progress:
        bar = progress.add_task("sealing", total=None)
        sealed = work.seal_list(source, key_file, target, last_wins=last_wins,
                                progress=lambda done: progress.update(bar, completed=done))
    click.echo(f"{target}: {sealed}")


@owners.command("import")
@click.argument("sealed", type=path)
@vault_option
def import_sealed(sealed: Path, vault_config: Path) -> None:
    """Put a SEALED file into use: checked with the vault's key first; the old one stays if it fails."""
    count = work.import_register(sealed, vault_config)
    click.echo(f"{count} owners in use; a running vault takes them on SIGHUP")


@owners.command()
@click.argument("sealed", type=path)
@click.option("--old-key", type=path, required=True)
@click.option("--new-key", type=path, required=True)
@click.option("--out", "target", type=path, required=True, help="The newly sealed file.")
def rotate(sealed: Path, old_key: Path, new_key: Path, target: Path) -> None:
    """Seal a register anew with another key."""
    with _progress() as progress:
        bar = progress.add_task("sealing anew", total=None)
        result = work.rotate_key(sealed, old_key, new_key, target,
                                 progress=lambda done: progress.update(bar, completed=done))
    click.echo(f"{target}: {result}")


@owners.command()
@vault_option
def audit(vault_config: Path) -> None:
    """Verify the chain of the vault's audit log. Exit 1 if it was changed."""
    try:
        click.echo(str(work.audit_verify(vault_config)))
    except AuditBroken as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None


def _progress() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), transient=True)
