"""`ivr flow schema`: what an editor completes flows with."""

import json

import click

from hotline.flows import ACTIONS
from ivr.flow.schema import json_schema


@click.command()
def schema() -> None:
    """Print the flows' JSON Schema, made from what the loader knows. It stands in flows/flow.schema.json.

    \b
    Example: ivr flow schema > flows/flow.schema.json
    """
    click.echo(json.dumps(json_schema(ACTIONS), ensure_ascii=False, indent=1))
