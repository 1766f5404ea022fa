"""Speech made on the spot, in a process of its own: Kokoro where installed, else pyttsx3.

The model takes half a gigabyte and the dictionary a second of Python; neither may weigh on
the process that holds calls.
"""

import functools
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as Late
from concurrent.futures.process import BrokenProcessPool

from tts.errors import SynthesisFailed
from tts.kokoro import Kokoro

TIMEOUT_S = 60.0
NICENESS = 5  # below the recognizers: a late prompt is better than a late ear


class LiveVoice:
    """Synthesis of any text; the worker process starts with the first and is kept."""

    def __init__(self, voice: str, letters: str = "english", timeout_s: float = TIMEOUT_S) -> None:
        self._voice, self._letters, self._timeout_s = voice, letters, timeout_s
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def speak(self, text: str, speed: float = 1.0) -> bytes:
        """`text` as 8 kHz PCM. Raises UnreadableText or SynthesisFailed; blocks meanwhile."""
        if not Kokoro().installed:
            from tts.fallback import speak

            return speak(text, timeout_s=self._timeout_s)
        try:
            job = self._worker().submit(_speak, text, self._voice, speed, self._letters)
            return job.result(self._timeout_s)
        except BrokenProcessPool:
            self.close()
            raise SynthesisFailed(
                f"The voice process died on {text!r}: check free memory (it needs 600 MB) and try again."
            ) from None
        except Late:
            self.close()
            raise SynthesisFailed(
                f"The voice took over {self._timeout_s:.0f} s for {text!r}: shorten the text."
            ) from None

    def close(self) -> None:
        """End the worker process, if there is one."""
        with self._lock:
            if self._pool is not None:
                for process in list(self._pool._processes.values()):
                    process.terminate()
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._pool = None

    def _worker(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(1, context, initializer=os.nice, initargs=(NICENESS,))
            return self._pool


class KeptSpeech:
    """What a voice speaks, the last `most` sentences kept. One that is being spoken is waited for, not spoken twice."""

    def __init__(self, speak: Callable[[str, float], bytes], most: int) -> None:
        self._speak = functools.lru_cache(most)(speak)
        self._lock = threading.Lock()
        self._spoken_now: dict[tuple[str, float], threading.Lock] = {}

    def speak(self, text: str, speed: float) -> bytes:
        """As the voice's."""
        with self._lock:
            turn = self._spoken_now.setdefault((text, speed), threading.Lock())
        try:
            with turn:
                return self._speak(text, speed)
        finally:
            with self._lock:
                self._spoken_now.pop((text, speed), None)


_kokoro = Kokoro()


def _speak(text: str, voice: str, speed: float, letters: str) -> bytes:
    return _kokoro.speak(text, voice, speed, letters)
