"""Somebody's own words, said again as they were recorded."""

SHOWN = "（原话）"
"""How a text shows words of which only the sound is known."""


class Words(str):
    """8 kHz PCM of what somebody said, and its text as far as that is known. Among a prompt's values it is text."""

    pcm_8k: bytes

    def __new__(cls, pcm_8k: bytes, text: str = SHOWN) -> "Words":
        words = super().__new__(cls, text)
        words.pcm_8k = pcm_8k
        return words

    def __str__(self) -> "Words":
        return self
