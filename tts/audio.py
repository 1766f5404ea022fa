"""Sound as arrays and bytes: rates, loudness, trimming, and files.

Arrays are float32 in −1…1, PCM is 16-bit little endian mono at 8 kHz.
"""

from pathlib import Path

import numpy as np

TELEPHONE_HZ = 8000
SPEECH_DBFS = -20.0
PEAK = 0.89  # −1 dBFS, so that A-law and a second gain stage cannot clip
FRAME_MS = 10
SILENT_BELOW_DB = 40.0  # under the loudest frame: a pause, not speech


def to_telephone(audio: np.ndarray, rate: int) -> np.ndarray:
    """`audio` of `rate` Hz at 8 kHz, band-limited below 4 kHz by the resampler."""
    import soxr

    if rate == TELEPHONE_HZ:
        return audio.astype(np.float32)
    return soxr.resample(audio.astype(np.float32), rate, TELEPHONE_HZ, quality="HQ")


def telephone_band(audio: np.ndarray, rate: int = TELEPHONE_HZ) -> np.ndarray:
    """`audio` through a handset's 300–3400 Hz (ITU-T G.712), with gentle skirts."""
    spectrum = np.fft.rfft(audio)
    hz = np.fft.rfftfreq(len(audio), 1 / rate)
    low = np.clip((hz - 150) / 150, 0, 1)
    high = np.clip((3800 - hz) / 400, 0, 1)
    return np.fft.irfft(spectrum * low * high, len(audio)).astype(np.float32)


def trim(audio: np.ndarray, rate: int, lead_ms: float = 15, tail_ms: float = 30) -> np.ndarray:
    """`audio` without silence at its ends, keeping `lead_ms` and `tail_ms` around speech."""
    loud = np.flatnonzero(_speech_frames(audio, rate))
    if not len(loud):
        return audio[:0]
    hop = rate * FRAME_MS // 1000
    start = max(0, loud[0] * hop - int(rate * lead_ms / 1000))
    end = min(len(audio), (loud[-1] + 1) * hop + int(rate * tail_ms / 1000))
    return fade(audio[start:end], rate)


def stretched(audio: np.ndarray, rate: int, times: float) -> np.ndarray:
    """`audio` made `times` as long, its pitch kept."""
    from python_stretch import Signalsmith

    stretch = Signalsmith.Stretch()
    stretch.preset(1, rate)
    stretch.timeFactor = 1 / times
    return stretch.process(audio[np.newaxis].astype(np.float32))[0]


def fade(audio: np.ndarray, rate: int, edge_ms: float = 5) -> np.ndarray:
    """`audio` rising from and falling to zero over `edge_ms`, so that no join clicks."""
    edge = min(int(rate * edge_ms / 1000), len(audio) // 2)
    if edge == 0:
        return audio
    faded = audio.astype(np.float32).copy()
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
    faded[:edge] *= ramp
    faded[-edge:] *= ramp[::-1]
    return faded


def level(audio: np.ndarray, rate: int, dbfs: float = SPEECH_DBFS) -> np.ndarray:
    """`audio` with its speech (pauses left out) at `dbfs` RMS, its peaks held under −1 dBFS."""
    rms = speech_rms(audio, rate)
    if rms == 0:
        return audio
    gained = audio * (10 ** (dbfs / 20) / rms)
    return _hold_peaks(gained).astype(np.float32)


def speech_rms(audio: np.ndarray, rate: int) -> float:
    """Root mean square of the frames that hold speech; 0 for silence."""
    frames = _frames(audio, rate)
    loud = frames[_speech_frames(audio, rate)]
    return float(np.sqrt(np.mean(loud**2))) if loud.size else 0.0


def to_pcm(audio: np.ndarray) -> bytes:
    """16-bit PCM of an array; values beyond −1…1 are clipped."""
    return (np.clip(audio, -1, 1) * 32767).round().astype("<i2").tobytes()


def from_pcm(pcm: bytes) -> np.ndarray:
    """The array of 16-bit PCM."""
    return np.frombuffer(pcm, "<i2").astype(np.float32) / 32767


def silence(duration_ms: float) -> bytes:
    """`duration_ms` of telephone silence."""
    return bytes(2 * round(TELEPHONE_HZ * duration_ms / 1000))


def write_file(path: Path, pcm: bytes, rate: int = TELEPHONE_HZ) -> None:
    """Write 16-bit PCM as WAV or FLAC, by the suffix of `path`."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.frombuffer(pcm, "<i2"), rate, subtype="PCM_16")


def read_file(path: Path) -> np.ndarray:
    """A recording as an array at 8 kHz, the first channel of it."""
    import soundfile

    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return to_telephone(audio[:, 0], rate)


def _hold_peaks(audio: np.ndarray) -> np.ndarray:
    """Bend what is over 0.7 towards PEAK: a few peaks bend, the speech keeps its level."""
    knee = 0.7
    size = np.abs(audio)
    bent = knee + (PEAK - knee) * np.tanh((size - knee) / (PEAK - knee))
    return np.where(size > knee, np.sign(audio) * bent, audio)


def _frames(audio: np.ndarray, rate: int) -> np.ndarray:
    hop = rate * FRAME_MS // 1000
    return np.pad(audio, (0, -len(audio) % hop)).reshape(-1, hop)


def _speech_frames(audio: np.ndarray, rate: int) -> np.ndarray:
    if not len(audio):
        return np.zeros(0, bool)
    power = np.mean(_frames(audio, rate) ** 2, axis=1)
    return power > max(power.max() * 10 ** (-SILENT_BELOW_DB / 10), 1e-9)
