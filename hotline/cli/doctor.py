"""`ivr doctor`: what is installed, what is missing, whether audio flows, and how to mend it."""

import asyncio
import json
from pathlib import Path

import click
from rich.console import Console

from hotline.doctor import Finding, examine


@click.command()
@click.option("--config", "config_path", type=click.Path(path_type=Path), default=Path("ivr.toml"), show_default=True,
              help="The engine's settings; without the file, defaults on loopback are examined.")
@click.option("--json", "as_json", is_flag=True, help='{"ok", "findings": [{"what", "ok", "found", "mend"}]}')
def doctor(config_path: Path, as_json: bool) -> None:
    """Say what is installed, which port is taken, whether audio flows (it calls itself and
    compares), and how to mend each failure. Exit 1 if something is wrong.

    \b
    Example: ivr doctor --config ivr.toml
    """
    console = Console()
    findings: list[Finding] = []

    def tell(finding: Finding) -> None:
        findings.append(finding)
        if as_json:
            return
        mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
        console.print(f"{mark} {finding.what}: {finding.found}", highlight=False, soft_wrap=True)
        if not finding.ok:
            console.print(f"    mend: {finding.mend}", style="yellow", highlight=False, soft_wrap=True)

    asyncio.run(examine(config_path, tell))
    ok = all(finding.ok for finding in findings)
    if as_json:
        click.echo(json.dumps({"ok": ok, "findings": [vars(finding) for finding in findings]}, ensure_ascii=False))
    if not ok:
        raise SystemExit(1)
