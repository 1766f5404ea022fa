"""Vosk in a recognizer worker: any Vosk model directory, told the grammar's phrases as words it knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from asr.engines.written import WrittenStream
from asr.grammars import templates
from asr.grammars.grammar import Grammar
from asr.grammars.phrase_list import characters, phrases
from asr.recognizer import AsrError, Capabilities, ModelMissing, Recognizer, Stream, Word

WORDS_FILE = "words.tsv"
"""Optional, in the model directory: a line `赣<TAB>word` says how the model writes a character or phrase."""
ALTERNATIVES = 5
_LONGEST_WORD = 6                  # characters
_LETTER_STAND_INS = {              # one-syllable names, for models that know no Latin letters
    "A": "诶", "B": "必", "C": "西", "D": "弟", "E": "易", "G": "机", "J": "杰", "K": "开", "N": "恩", "P": "批",
    "Q": "秋", "R": "啊", "T": "踢", "U": "优", "V": "威", "Y": "歪", "Z": "贼",
}


class VoskRecognizer(Recognizer):
    """Vosk's confidences are no probabilities, so its hypotheses have none."""

    capabilities = Capabilities("vosk", probabilities=False, streaming=True)

    def __init__(self, model: str, grammar_mode: bool = True):
        """``model`` is a directory. Raises ModelMissing where it holds no Vosk model."""
        folder = Path(model)
        check_folder(folder)
        words = _read_words(folder / WORDS_FILE)
        try:
            import vosk
        except ImportError as error:
            raise AsrError("The package vosk is not installed: run make setup.") from error
        vosk.SetLogLevel(-1)
        try:
            self._model = vosk.Model(str(folder))
        except Exception as error:         # vosk raises a bare Exception
            raise ModelMissing(f"Vosk cannot load {folder}: fetch the model anew.") from error
        self._vosk, self._grammar_mode = vosk, grammar_mode
        self._lexicon = Lexicon(lambda word: self._model.vosk_model_find_word(word) >= 0, words)
        self._lists: dict[str, str] = {}

    def start(self, grammar: Grammar, rate: int = 8000) -> Stream:
        return VoskStream(self, grammar, rate)

    def phrase_list(self, grammar: Grammar) -> str:
        """The grammar as Vosk takes it, a JSON list; "" where the model lacks too many of its words."""
        if grammar.name not in self._lists:
            told = self._lexicon.phrase_list(grammar) if self._grammar_mode else []
            self._lists[grammar.name] = json.dumps(told, ensure_ascii=False) if told else ""
        return self._lists[grammar.name]

    def engine(self, grammar: Grammar, rate: int):
        """A KaldiRecognizer that listens for the grammar."""
        told = self.phrase_list(grammar)
        made = self._vosk.KaldiRecognizer(self._model, rate, *([told] if told else []))
        made.SetMaxAlternatives(ALTERNATIVES)
        made.SetWords(True)
        return made

    def written(self, text: str) -> str:
        """What the model wrote, in the grammar's characters."""
        return self._lexicon.written(text)


class VoskStream(WrittenStream):
    def __init__(self, recognizer: VoskRecognizer, grammar: Grammar, rate: int):
        super().__init__(grammar, rate)
        self._recognizer = recognizer
        self._begin()

    def _begin(self) -> None:
        self._engine = self._recognizer.engine(self._grammar, self._rate)
        self._ended: list[list[dict]] = []       # alternatives of each stretch that Vosk has closed

    def _accept(self, pcm: bytes) -> None:
        step = self._rate // 5 * 2               # 0.2 s: Vosk looks for an end once a call
        for start in range(0, len(pcm), step):
            if self._engine.AcceptWaveform(pcm[start: start + step]):
                self._ended.append(json.loads(self._engine.Result())["alternatives"])

    def _text_so_far(self) -> str:
        said = [stretch[0]["text"] for stretch in self._ended]
        said.append(json.loads(self._engine.PartialResult()).get("partial", ""))
        return self._recognizer.written(" ".join(said))

    def _close(self) -> tuple[Sequence[str], tuple[Word, ...], int]:
        self._ended.append(json.loads(self._engine.FinalResult())["alternatives"])
        stretches = [stretch for stretch in self._ended if stretch and stretch[0]["text"]]
        if not stretches:
            return (), (), 0
        texts = [" ".join(stretch[0]["text"] for stretch in stretches)]
        if len(stretches) == 1:
            texts = [entry["text"] for entry in stretches[0]]
        words = tuple(
            Word(self._recognizer.written(word["word"]), int(1000 * word["start"]), int(1000 * word["end"]))
            for stretch in stretches for word in stretch[0].get("result", []))
        speech_ms = words[-1].end_ms - words[0].start_ms if words else 0
        return tuple(dict.fromkeys(map(self._recognizer.written, texts))), words, speech_ms


class Lexicon:
    """Between the grammar's characters and the words that a model knows."""

    def __init__(self, knows: Callable[[str], bool], given: dict[str, str] | None = None):
        """``knows``: whether a word is in the model's vocabulary; ``given``: our text → its word."""
        self._knows, self._given = knows, given or {}
        self._back = {word: ours for ours, word in self._given.items()}

    def words(self, phrase: str) -> list[str] | None:
        """The phrase in words of the model, longest first; None where it lacks one."""
        found, place = [], 0
        while place < len(phrase):
            for size in range(min(_LONGEST_WORD, len(phrase) - place), 0, -1):
                word = self._word(phrase[place: place + size])
                if word:
                    found.append(word)
                    place += size
                    break
            else:
                return None
        return found

    def phrase_list(self, grammar: Grammar) -> list[str]:
        """Phrases of the grammar, its characters, and one word for each other sound, which what is
        none of the grammar falls on. Empty where the model can write none of the grammar's phrases."""
        told = [words for words in map(self.words, phrases(grammar)) if words]
        if not told:
            return []
        single = [words for words in map(self.words, characters(grammar)) if words]
        return list(dict.fromkeys(map(" ".join, told + single + self._others())))

    def written(self, text: str) -> str:
        """Words of the model as our text."""
        return "".join(self._back.get(word, word) for word in text.split())

    def _others(self) -> list[list[str]]:
        found: dict[int, list[str]] = {}
        for character, units in templates.pinyin().items():
            if units[0] not in found and (words := self.words(character)):
                found[units[0]] = words
        return list(found.values())

    def _word(self, ours: str) -> str:
        stand_in = _LETTER_STAND_INS.get(ours, "")
        choices = (self._given.get(ours), ours, ours.lower(), stand_in)
        return next((word for word in choices if word and self._knows(word)), "")


def check_folder(folder: Path) -> None:
    """Raises ModelMissing, saying what is missing, unless the folder looks like a Vosk model."""
    if not folder.is_dir():
        raise ModelMissing(f"{folder} is not a folder: unpack a Vosk model there, or mend [hearing] model.")
    if not (folder / "am" / "final.mdl").is_file() and not (folder / "final.mdl").is_file():
        raise ModelMissing(f"{folder} holds no Vosk model (am/final.mdl is missing): give the folder "
                           "that the model's archive unpacks to.")


def _read_words(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    given = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            ours, _, word = line.partition("\t")
            if not word.strip():
                raise AsrError(f"{path}:{number}: write a character, a tab, and the model's word.")
            given[ours.strip()] = word.strip()
    return given
