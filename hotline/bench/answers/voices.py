"""Who speaks in `ivr bench answers`. Nobody else in the project may use the measured voices.

They are blends of voices that the recognizer was never trained on (asr/training/voices.py); none of
these blends speaks in a prompt, a demo, a test or another measurement. What SEEN said was read by those who mended rules.
"""

TUNED = ("zf_xiaobei", "zm_yunjian", "zm_yunxia", "zf_xiaobei:0.6+am_adam:0.4", "zf_xiaoxiao:0.5+zm_yunjian:0.5")
SEEN = (
    "zf_xiaoni:0.35+zm_yunyang:0.65", "zf_xiaoyi:0.65+bf_emma:0.35", "zm_yunxi:0.6+am_michael:0.4",
    "zf_xiaoyi:0.6+zf_xiaoni:0.4", "zm_yunyang:0.65+jm_kumo:0.35", "zm_yunxi:0.6+af_bella:0.4",
    "zf_xiaoyi:0.6+ff_siwis:0.4", "zm_yunyang:0.5+zm_yunxi:0.5",
)
MEASURED = (
    "zf_xiaoyi:0.55+zm_yunyang:0.45", "zm_yunxi:0.65+jm_kumo:0.35", "zm_yunyang:0.6+am_michael:0.4",
    "zf_xiaoyi:0.6+af_bella:0.4", "zm_yunxi:0.6+bf_emma:0.4", "zm_yunyang:0.65+ff_siwis:0.35",
    "zf_xiaoni:0.5+zm_yunxi:0.5", "zf_xiaoyi:0.7+jm_kumo:0.3",
)
