"""What can go wrong when speaking; every message is one sentence that says what to do."""


class TtsError(Exception):
    """Base of all errors of `tts`."""


class VoiceFilesMissing(TtsError):
    """The model or the voices are not on this machine."""

    def __init__(self, path: object) -> None:
        super().__init__(f"The voice file {path} is not there: run `make setup`.")


class VoiceFileWrong(TtsError):
    """The model is not the file that set-up fetched."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"The voice file {path} is damaged (its SHA-256 is wrong): delete it and run `make -B setup`."
        )


class UnknownVoice(TtsError):
    """No voice of that name, or a blend that cannot be read."""


class UnknownPhoneme(TtsError):
    """A phoneme that the model was never taught."""


class UnreadableText(TtsError):
    """Text with characters that nothing here can read aloud."""


class SynthesisFailed(TtsError):
    """Neither voice could speak the text."""


class PromptError(TtsError):
    """The prompts file cannot be used as it is written."""


class UnknownPrompt(TtsError):
    """No prompt of that id; `nearest` is the id that was likely meant, or None."""

    def __init__(self, prompt_id: str, nearest: str | None, source: object) -> None:
        hint = f"did you mean {nearest!r}?" if nearest else f"add it to {source}."
        super().__init__(f"There is no prompt {prompt_id!r}: {hint}")
        self.prompt_id = prompt_id
        self.nearest = nearest


class BadValue(TtsError):
    """A prompt was given no value for a slot, or one that the slot cannot hold."""
