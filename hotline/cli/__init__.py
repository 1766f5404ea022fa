"""The command line `ivr`: one file a command, errors in one sentence, exit codes 0, 1, 2."""

import sys

import click

from asr.recognizer import AsrError
from dialer.errors import DialerError
from hotline.cli.bench import bench
from hotline.cli.case import case
from hotline.cli.demo import demo
from hotline.cli.doctor import doctor
from hotline.cli.flow import flow
from hotline.cli.hear import hear
from hotline.cli.match import match
from hotline.cli.models import models
from hotline.cli.owners import owners
from hotline.cli.parse import parse
from hotline.cli.record import record
from hotline.cli.replay import replay
from hotline.cli.serve import serve
from hotline.cli.text import text
from hotline.cli.vault import vault
from hotline.errors import CannotRun
from ivr.flow.source import FlowError
from ivr.sip.config import ConfigError
from ivr.sip.line import LineError
from tts.errors import TtsError

SAID_IN_ONE_SENTENCE = (CannotRun, AsrError, DialerError, FlowError, ConfigError, LineError, TtsError)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="hotline-voice-bot")
def ivr() -> None:
    """The voice bot of a citizens' hotline: it takes a blocked driver's call, hears the plate,
    calls the car's owner and brings the answer back.

    \b
    Example: ivr demo                      the main job on this machine, phones included
             ivr serve --config ivr.toml   the service
             ivr doctor                    what is installed and what is missing

    Exit codes: 0 done, 1 the check failed, 2 cannot run.
    """


for subcommand in (demo, serve, hear, parse, match, flow, case, owners, models, doctor, bench, record, replay, vault, text):
    ivr.add_command(subcommand)


def main() -> None:
    """Run the command line; what cannot run is said in one sentence on standard error."""
    try:
        ivr(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(130)
    except SAID_IN_ONE_SENTENCE as error:
        click.echo(f"ivr: {error}", err=True)
        sys.exit(2)
