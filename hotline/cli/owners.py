"""`ivr owners`: the sealed register, on the police's side and on the hotline's."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from dialer import owners as work
from dialer.errors import AuditBroken

path = click.Path(path_type=Path)
vault_option = click.option("--vault", "vault_config", type=path, default=Path("vault.toml"), show_default=True,
                            help="The vault's settings.")
TAKES_IT = "a running vault takes them into use by itself"


@click.group()
def owners() -> None:
    """Seal, import and watch the register of owners. docs/register.md tells the whole story.

    \b
    Example: ivr owners key owners.key
             ivr owners seal owners.csv --key owners.key --out owners.reg
             ivr owners import owners.reg --vault vault.toml
    """


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
@click.option("--key", "key_files", type=path, required=True, multiple=True,
              help="A key's file (ivr owners key); up to four times, and each opens what is sealed.")
@click.option("--out", "target", type=path, default=Path("owners.reg"), show_default=True, help="The sealed file.")
@click.option("--last-wins", is_flag=True, help="Of a plate that stands twice, take the later line.")
def seal(source: Path, key_files: tuple[Path, ...], target: Path, last_wins: bool) -> None:
    """Seal SOURCE, a CSV of owners (plate,phone,phone2,phone3,address,language,quiet).

    \b
    Example: ivr owners seal owners.csv --key owners.key --out owners.reg
    """
    with _progress() as progress:
        sealed = work.seal_list(source, key_files, target, last_wins=last_wins, progress=progress)
    click.echo(f"{target}: {sealed.count} owners, SHA-256 {sealed.sha256}")


@owners.command("import")
@click.argument("sealed", type=path)
@vault_option
def import_sealed(sealed: Path, vault_config: Path) -> None:
    """Put a SEALED file into use: checked with the vault's keys first; the old one stays if it fails.

    \b
    Example: ivr owners import owners.reg --vault vault.toml
    """
    with _progress() as progress:
        done = work.import_register(sealed, vault_config, progress=progress)
    if done.older:
        click.echo("warning: this register was sealed before the one that was in use", err=True)
    click.echo(f"{done.count} owners; {TAKES_IT}; 'ivr owners rollback' takes those before")


@owners.command()
@vault_option
def rollback(vault_config: Path) -> None:
    """Take the register before the one in use; once more undoes it.

    \b
    Example: ivr owners rollback --vault vault.toml
    """
    with _progress() as progress:
        count = work.roll_back(vault_config, progress=progress)
    click.echo(f"{count} owners of the generation before; {TAKES_IT}")


@owners.command()
@click.argument("sealed", type=path, required=False)
@click.option("--vault", "vault_config", type=path, help="Change the key of this vault's register, while it runs.")
@click.option("--old-key", type=path, help="With SEALED: what opens it.")
@click.option("--new-key", type=path, help="The new key's file; with --vault a new one is made unless given.")
@click.option("--out", "target", type=path, help="With SEALED: the newly sealed file.")
def rotate(sealed: Path | None, vault_config: Path | None, old_key: Path | None, new_key: Path | None, target: Path | None) -> None:
    """Seal a register anew with another key: that of a vault, which goes on meanwhile, or a SEALED file.

    \b
    Example: ivr owners rotate --vault vault.toml --new-key next.key
             ivr owners rotate owners.reg --old-key owners.key --new-key next.key --out next.reg
    """
    if bool(sealed) == bool(vault_config) or (sealed and not (old_key and new_key and target)):
        raise click.UsageError("give --vault, or a SEALED file with --old-key, --new-key and --out")
    with _progress() as progress:
        if vault_config:
            result = work.rotate_vault(vault_config, new_key, progress=progress)
        else:
            result = work.rotate_key(sealed, old_key, new_key, target, progress=progress)
    click.echo(f"{result.path}: {result.count} owners, SHA-256 {result.sha256}")


@owners.command()
@vault_option
def keys(vault_config: Path) -> None:
    """List the vault's keys by their ids; no key is shown.

    \b
    Example: ivr owners keys --vault vault.toml
    """
    for one in work.list_keys(vault_config):
        click.echo(f"{one.id}  {one.state}{', opens the register in use' if one.opens else ''}")


@owners.command()
@click.argument("key_id")
@vault_option
def revoke(key_id: str, vault_config: Path) -> None:
    """Take the key with this id (ivr owners keys) out of use for good.

    \b
    Example: ivr owners revoke 0123456789abcdef --vault vault.toml
    """
    lost = work.revoke_key(key_id, vault_config)
    click.echo(f"{key_id}: revoked" + ("; the generation before, which only it opened, is deleted" if lost else ""))


@owners.command()
@vault_option
@click.option("--head", default="", metavar="HASH", help="A head noted earlier, which the log must still hold.")
@click.option("--json", "as_json", is_flag=True, help='{"entries", "head"}')
def audit(vault_config: Path, head: str, as_json: bool) -> None:
    """Verify the chain of the vault's audit log. Exit 1 if it was changed.

    \b
    Example: ivr owners audit --vault vault.toml
    """
    try:
        report = work.audit_verify(vault_config, expected_head=head)
    except AuditBroken as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None
    if as_json:
        click.echo(json.dumps({"entries": report.entries, "head": report.head}))
    else:
        click.echo(f"{report.entries} entries hold together; note the head: {report.head}")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar a step, on standard error."""
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        steps: dict[str, int] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in steps:
                steps[step] = bars.add_task(step, total=total)
            bars.update(steps[step], completed=done, total=total)

        yield tell
