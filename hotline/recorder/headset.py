"""Records a volunteer at a headset. Needs the package `sounddevice` (PortAudio) and a microphone."""

from collections.abc import Callable
from types import ModuleType

from hotline.errors import CannotRun
from hotline.recorder.kit import Kit, Volunteer
from hotline.recorder.take import Take

RATE = 16000
BLOCK = 512
CONSENT_TEXT = "我同意录下我念的车牌号，用来改进语音识别。"
TAKES = 3


def microphone() -> ModuleType:
    """The sounddevice module with a microphone behind it. Raises `CannotRun` where there is none."""
    try:
        import sounddevice
    except ImportError:
        raise CannotRun("a headset needs the package sounddevice: run .venv/bin/pip install sounddevice, "
                        "or record by telephone with --call") from None
    except OSError as error:
        raise CannotRun(f"a headset needs PortAudio ({error}): run apt-get install libportaudio2") from None
    try:
        sounddevice.check_input_settings(samplerate=RATE, channels=1, dtype="int16")
    except Exception as error:  # PortAudioError or ValueError, by the device
        words = " ".join(str(error).split())
        raise CannotRun(f"there is no microphone that records {RATE} Hz ({words}): plug the headset in, "
                        "or record by telephone with --call") from None
    return sounddevice


def record_by_headset(
    kit: Kit, volunteer: Volunteer, show: Callable[[str], None], confirm: Callable[[str], bool]
) -> str:
    """Let the volunteer read from the screen. Returns `done`, `unfinished` or `refused`.

    `show` puts words before the volunteer; `confirm` asks a yes-or-no question at the keyboard.
    Raises `CannotRun` where the microphone fails.
    """
    sound = microphone()
    show(f"Please read aloud: {CONSENT_TEXT}")
    if not confirm("Does the volunteer agree to be recorded?"):
        kit.refused()
        return "refused"
    consent = _take(sound)
    if consent.verdict == "silent":
        show("nothing was heard: check the microphone")
        return "unfinished"
    kit.consented(volunteer, CONSENT_TEXT, "at the keyboard", consent.pcm, b"", RATE)
    for number, plate in volunteer.pending:
        if not _read(sound, kit, volunteer, number, plate, show):
            return "unfinished"
    return "unfinished" if volunteer.pending else "done"


def _read(sound: ModuleType, kit: Kit, volunteer: Volunteer, number: int, plate: str, show: Callable[[str], None]) -> bool:
    """One plate; False where nobody reads any more."""
    for _ in range(TAKES):
        show(f"{number}/{len(volunteer.plates)}   {plate}")
        take = _take(sound)
        if take.verdict == "good":
            kit.keep(volunteer, number, plate, take.pcm, RATE)
            return True
        show({"silent": "nothing was heard", "short": "that was too short", "early": "wait for the plate to appear"}[take.verdict])
    return take.verdict != "silent"


def _take(sound: ModuleType) -> Take:
    take = Take(RATE)
    try:
        with sound.RawInputStream(samplerate=RATE, channels=1, dtype="int16", blocksize=BLOCK) as stream:
            while not take.done:
                take.feed(bytes(stream.read(BLOCK)[0]))
    except sound.PortAudioError as error:
        raise CannotRun(f"the microphone stopped ({error}): plug it in again and run the same command") from None
    return take
