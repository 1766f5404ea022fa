"""Record what the prompts need: `python -m tts.make_prompts`, or `make prompts`.

Only pieces that are missing, or whose text, phonemes or voice changed, are made anew;
pieces that no prompt needs any more are removed. The same input gives the same files.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tts import audio
from tts.kokoro import RATE, SLOWEST, Kokoro, telephone_pcm
from tts.phonemes import phonemes
from tts.pieces import Piece, PieceStore, file_hash
from tts.prompts import wanted_pieces
from tts.script import MARKS, Script, load_script

SOUNDS: dict[str, Callable[[], np.ndarray]] = {}
FOLDERS = {"sentence": "sentences", "slow": "sentences", "minutes": "minutes",
           "group": "plates", "character": "plates", "sound": "sounds"}  # fmt: skip
RECIPE_VERSION = 1


def make_all(folder: Path, kokoro: Kokoro, progress: Callable[[int, int, str], None]) -> int:
    """Record what is missing or changed in `folder`; how many pieces were made.

    `progress` is told (done, of, text). Raises PromptError or VoiceFilesMissing.
    """
    script = load_script(folder)
    store = PieceStore.load(folder / "pieces")
    wanted = wanted_pieces(script)
    recipes = {key: recipe(script, *key) for key in wanted}
    todo = [key for key in wanted if not _current(store, key, recipes[key])]
    for done, key in enumerate(todo):
        progress(done, len(todo), key[0])
        store.pieces[key] = _record(store, script, kokoro, key, recipes[key])
        if done % 50 == 49:
            store.save()
    progress(len(todo), len(todo), "")
    _prune(store, set(wanted))
    store.save()
    return len(todo)


def adopt(folder: Path) -> int:
    """Take recordings that a person replaced as they are; how many were taken."""
    store = PieceStore.load(folder / "pieces")
    taken = 0
    for key, piece in store.pieces.items():
        path = store.folder / piece.file
        if path.is_file() and file_hash(path) != piece.sha256:
            store.pieces[key] = _entry(store, key, piece.file, piece.recipe)
            taken += 1
    store.save()
    return taken


def recipe(script: Script, text: str, how: str, closing: bool) -> str:
    """A fingerprint of everything that a piece is made from."""
    voice = script.voice
    spoken = text if how == "sound" else phonemes(_said(text, closing), voice.letters)
    speed = voice.speeds.get(how, 1.0)
    parts = [RECIPE_VERSION, spoken, how, closing, voice.voice, speed, *(["stretched"] if speed < SLOWEST else [])]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]


def comfort_tone(seconds: float = 4.0) -> np.ndarray:
    """A quiet two-note chime every two seconds, at 8 kHz: the line is alive, please wait."""
    time = np.arange(int(seconds * audio.TELEPHONE_HZ)) / audio.TELEPHONE_HZ
    sound = np.zeros_like(time)
    for start, hz in ((0.2, 523.25), (0.5, 659.25), (2.2, 523.25), (2.5, 659.25)):
        since = np.maximum(time - start, 0)
        rise = np.clip(since / 0.02, 0, 1)
        sound += rise * np.exp(-since / 0.35) * np.sin(2 * np.pi * hz * since)
    return audio.fade((0.06 * sound).astype(np.float32), audio.TELEPHONE_HZ, edge_ms=50)


SOUNDS["comfort-tone"] = comfort_tone


def _said(text: str, closing: bool) -> str:
    """The text with the mark that gives it the tone of its place: going on, or ending."""
    return text if text[-1] in MARKS else text + ("。" if closing else "，")


def _record(
    store: PieceStore, script: Script, kokoro: Kokoro, key: tuple[str, str, bool], made_from: str
) -> Piece:
    text, how, closing = key
    if how == "sound":
        pcm = audio.to_pcm(SOUNDS[text]())
    else:
        spoken = phonemes(_said(text, closing), script.voice.letters)
        speed = float(script.voice.speeds.get(how, 1.0))
        pcm = telephone_pcm(kokoro.synthesize(spoken, script.voice.voice, speed), RATE)
    name = hashlib.sha256("|".join((text, how, str(closing))).encode()).hexdigest()[:12]
    file = f"{FOLDERS[how]}/{name}.flac"
    audio.write_file(store.folder / file, pcm)
    return _entry(store, key, file, made_from)


def _entry(store: PieceStore, key: tuple[str, str, bool], file: str, made_from: str) -> Piece:
    path = store.folder / file
    length_ms = round(len(audio.read_file(path)) * 1000 / audio.TELEPHONE_HZ)
    return Piece(*key, file, made_from, file_hash(path), length_ms)


def _current(store: PieceStore, key: tuple[str, str, bool], made_from: str) -> bool:
    piece = store.pieces.get(key)
    return piece is not None and piece.recipe == made_from and store.problem(piece) is None


def _prune(store: PieceStore, wanted: set[tuple[str, str, bool]]) -> None:
    store.pieces = {key: piece for key, piece in store.pieces.items() if key in wanted}
    kept = {store.folder / piece.file for piece in store.pieces.values()}
    for path in store.folder.glob("*/*.flac"):
        if path not in kept:
            path.unlink()


def _main() -> None:
    import sys

    import click
    from rich.progress import Progress

    from tts.errors import TtsError

    @click.command(help="Record what the prompts need, e.g. python -m tts.make_prompts")
    @click.option("--folder", default="flows/prompts", type=click.Path(path_type=Path))
    @click.option("--adopt", "adopting", is_flag=True, help="take replaced recordings as they are")
    @click.option("--threads", default=1, show_default=True, help="cores for the voice")
    def command(folder: Path, adopting: bool, threads: int) -> None:
        try:
            if adopting:
                click.echo(f"{adopt(folder)} recordings taken as they are.")
                return
            with Progress() as bar:
                task = bar.add_task("recording")
                made = make_all(folder, Kokoro(threads=threads), lambda done, of, text: bar.update(
                    task, completed=done, total=max(of, 1), description=f"recording {text[:16]}"))
                bar.update(task, completed=1 if not made else made, description="recorded")
        except TtsError as error:
            click.echo(str(error), err=True)
            sys.exit(2)
        click.echo(f"{made} pieces recorded.")

    command()


if __name__ == "__main__":
    _main()
