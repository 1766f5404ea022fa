"""The scripted phone's ear and mouth, and its sound files. Shares no code with the bot."""

from __future__ import annotations

import ctypes
import time
import wave
from array import array
from collections import deque

import pjsua2 as pj

FRAME = 320  # bytes: 20 ms, 16 bit, 8 kHz
SILENCE = bytes(FRAME)
LOUD = 200  # mean |sample| of a frame that holds speech: about -44 dBFS
START_FRAMES = 3  # loud frames in a row that begin speech
HANGOVER_S = 0.3  # of quiet that ends speech


class SoundFileError(Exception):
    """A sound file cannot be played; the message says what to do."""


class Headset(pj.AudioMediaPort):
    """Ear and mouth: records both, notices speech, plays files. Runs on the media clock."""

    def __init__(self) -> None:
        super().__init__()
        self.live = False
        self.heard = bytearray()
        self.said = bytearray()
        self.notes: deque[tuple[str, float]] = deque()  # (event, t) for the main loop to print
        self.last_loud = 0.0
        self.speaking = False
        self._loud_run = 0
        self._mouth: deque[bytes] = deque()
        self._talking = False
        self._sent = SILENCE
        format_ = pj.MediaFormatAudio()
        format_.init(pj.PJMEDIA_FORMAT_PCM, 8000, 1, 20000, 16)
        self.createPort("headset", format_)

    def speak(self, pcm: bytes) -> None:
        frames = [pcm[at : at + FRAME].ljust(FRAME, b"\0") for at in range(0, len(pcm), FRAME)]
        self._mouth.extend(frames)

    def is_talking(self) -> bool:
        return self._talking or bool(self._mouth)

    def record(self, path: str) -> None:
        """Write the 2-channel WAV: left heard, right said."""
        heard, said = array("h", bytes(self.heard)), array("h", bytes(self.said))
        count = min(len(heard), len(said))
        both = array("h", bytes(4 * count))
        both[0::2], both[1::2] = heard[:count], said[:count]
        with wave.open(path, "wb") as out:
            out.setnchannels(2)
            out.setsampwidth(2)
            out.setframerate(8000)
            out.writeframes(both.tobytes())

    def shut_up(self) -> None:
        self._mouth.clear()

    def onFrameRequested(self, frame: pj.MediaFrame) -> None:  # noqa: N802
        if self._mouth:
            self._sent = self._mouth.popleft()
            if not self._talking:
                self._talking = True
                self.notes.append(("said_start", time.monotonic()))
        else:
            self._sent = SILENCE
            if self._talking:
                self._talking = False
                self.notes.append(("said_end", time.monotonic()))
        frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO
        frame.buf.resize(FRAME)
        ctypes.memmove(_address(frame.buf), self._sent, FRAME)

    def onFrameReceived(self, frame: pj.MediaFrame) -> None:  # noqa: N802
        if not self.live:
            return
        enough = frame.buf.size() >= FRAME
        heard = ctypes.string_at(_address(frame.buf), FRAME) if enough else SILENCE
        self.heard += heard
        self.said += self._sent
        self._listen(heard, time.monotonic())

    def _listen(self, heard: bytes, now: float) -> None:
        if sum(map(abs, array("h", heard))) > LOUD * FRAME // 2:
            self._loud_run += 1
            if self.speaking or self._loud_run >= START_FRAMES:
                self.last_loud = now
            if not self.speaking and self._loud_run >= START_FRAMES:
                self.speaking = True
                self.notes.append(("speech_start", now - 0.02 * (START_FRAMES - 1)))
        else:
            self._loud_run = 0
            if self.speaking and now - self.last_loud >= HANGOVER_S:
                self.speaking = False
                self.notes.append(("speech_end", self.last_loud))


def read_wav(path: str) -> bytes:
    """The PCM of a WAV.

    Raises:
        SoundFileError: it is missing, or not 8 kHz mono 16 bit.
    """
    try:
        with wave.open(path, "rb") as sound:
            shape = (sound.getframerate(), sound.getnchannels(), sound.getsampwidth())
            if shape != (8000, 1, 2):
                raise SoundFileError(
                    f"{path} is not 8 kHz mono 16 bit: convert it with "
                    "sox IN.wav -r 8000 -c 1 -b 16 OUT.wav"
                )
            return sound.readframes(sound.getnframes())
    except (OSError, wave.Error, EOFError) as error:
        raise SoundFileError(f"{path} cannot be read: {error}") from error


def _address(vector: pj.ByteVector) -> int:
    """Of the bytes of a std::vector<unsigned char>: its first member."""
    return ctypes.c_void_p.from_address(int(vector.this)).value
