"""A recognizer without a model, for the pool: it says how much audio it was given."""

import os
import time
from pathlib import Path

from asr.recognizer import AsrError, Capabilities, Hypothesis, Recognizer, Result, Stream


class CountingRecognizer(Recognizer):
    capabilities = Capabilities("counting", probabilities=False, streaming=False)

    def start(self, grammar, rate=8000):
        return CountingStream()


class CountingStream(Stream):
    def __init__(self):
        self.pcm = b""

    def feed(self, pcm):
        self.pcm += pcm

    def look(self):
        return self.finish()

    def finish(self):
        if self.pcm.startswith(b"slow"):
            time.sleep(7.5)
        value = str(len(self.pcm))
        return Result((Hypothesis(value, value, None),), False, 0)


def broken():
    raise AsrError("the model is missing")


def fails_on_demand():
    """Fails while the file that FAKE_WORKER_FAILS names is there."""
    if Path(os.environ["FAKE_WORKER_FAILS"]).exists():
        raise AsrError("the model is gone")
    return CountingRecognizer()


class SettlingRecognizer(CountingRecognizer):
    """Says in each answer's value how it was made: by a look, for a settled end, by a finish."""

    def start(self, grammar, rate=8000):
        return SettlingStream()


class SettlingStream(CountingStream):
    def look(self):
        return said("look")

    def settled(self):
        return said("settled")

    def finish(self):
        return said("finish")


def said(value):
    return Result((Hypothesis(value, value, None),), False, 0)
