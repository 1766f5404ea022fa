"""Who speaks in `ivr bench answers`. Nobody else in the project may use the measured voices.

They are blends of voices that the recognizer was never trained on (asr/training/voices.py); none of
these blends speaks in a prompt, a demo, a test or another measurement. Each part has others.
"""

VOICES = {
    "tune": ("zf_xiaobei", "zm_yunjian", "zm_yunxia", "zf_xiaobei:0.6+am_adam:0.4", "zf_xiaoxiao:0.5+zm_yunjian:0.5"),
    "seen": (
        "zf_xiaoni:0.35+zm_yunyang:0.65", "zf_xiaoyi:0.65+bf_emma:0.35", "zm_yunxi:0.6+am_michael:0.4",
        "zf_xiaoyi:0.6+zf_xiaoni:0.4", "zm_yunyang:0.65+jm_kumo:0.35", "zm_yunxi:0.6+af_bella:0.4",
        "zf_xiaoyi:0.6+ff_siwis:0.4", "zm_yunyang:0.5+zm_yunxi:0.5",
    ),
    "measure-1": (
        "zf_xiaoyi:0.55+zm_yunyang:0.45", "zm_yunxi:0.65+jm_kumo:0.35", "zm_yunyang:0.6+am_michael:0.4",
        "zf_xiaoyi:0.6+af_bella:0.4", "zm_yunxi:0.6+bf_emma:0.4", "zm_yunyang:0.65+ff_siwis:0.35",
        "zf_xiaoni:0.5+zm_yunxi:0.5", "zf_xiaoyi:0.7+jm_kumo:0.3",
    ),
    "measure-2": (
        "zf_xiaoyi:0.6+bf_isabella:0.4", "zm_yunxi:0.6+am_onyx:0.4", "zm_yunyang:0.6+bm_george:0.4",
        "zf_xiaoyi:0.6+hf_alpha:0.4", "zm_yunxi:0.65+em_alex:0.35", "zm_yunyang:0.65+hm_omega:0.35",
        "zf_xiaoyi:0.65+pf_dora:0.35", "zm_yunxi:0.6+im_nicola:0.4",
    ),
    "measure-3": (
        "zf_xiaoyi:0.6+if_sara:0.4", "zm_yunyang:0.6+bm_daniel:0.4", "zm_yunxi:0.6+pm_alex:0.4",
        "zf_xiaoyi:0.65+af_sky:0.35", "zm_yunyang:0.65+am_fenrir:0.35", "zf_xiaoyi:0.65+jf_tebukuro:0.35",
        "zm_yunxi:0.65+hm_psi:0.35", "zm_yunyang:0.65+em_santa:0.35",
    ),
    "measure-5": (
        "zf_xiaoyi:0.7+af_sarah:0.3", "zm_yunxi:0.7+bm_daniel:0.3", "zm_yunyang:0.7+am_liam:0.3",
        "zf_xiaoyi:0.65+bf_isabella:0.35", "zm_yunxi:0.65+pm_alex:0.35", "zm_yunyang:0.65+im_nicola:0.35",
        "zf_xiaoyi:0.7+if_sara:0.3", "zm_yunxi:0.7+am_onyx:0.3",
    ),
    "measure-4": (
        "zf_xiaoyi:0.6+af_nova:0.4", "zm_yunxi:0.6+bm_lewis:0.4", "zm_yunyang:0.6+am_echo:0.4",
        "zf_xiaoyi:0.65+hf_beta:0.35", "zm_yunxi:0.65+am_puck:0.35", "zm_yunyang:0.6+bm_fable:0.4",
        "zf_xiaoyi:0.6+jf_gongitsune:0.4", "zm_yunyang:0.65+am_eric:0.35",
    ),
    "measure-6": (
        "zf_xiaoyi:0.7+ef_dora:0.3", "zm_yunxi:0.7+em_santa:0.3", "zm_yunyang:0.7+bm_lewis:0.3",
        "zf_xiaoyi:0.65+jf_nezumi:0.35", "zm_yunxi:0.65+am_adam:0.35", "zm_yunyang:0.7+hm_psi:0.3",
        "zf_xiaoyi:0.7+af_alloy:0.3", "zm_yunxi:0.7+bm_fable:0.3",
    ),
    "measure-7": (
        "zf_xiaoyi:0.65+bf_alice:0.35", "zm_yunxi:0.7+am_eric:0.3", "zm_yunyang:0.7+am_onyx:0.3",
        "zf_xiaoyi:0.7+af_jessica:0.3", "zm_yunxi:0.65+am_liam:0.35", "zm_yunyang:0.65+pm_alex:0.35",
        "zf_xiaoyi:0.7+af_river:0.3", "zm_yunyang:0.7+em_alex:0.3",
    ),
}
ENGLISH = {"measure-2": "bf_lily:0.6+af_kore:0.4", "measure-3": "af_aoede:0.5+bf_alice:0.5",
           "measure-4": "af_river:0.5+bf_lily:0.5", "measure-5": "af_heart:0.5+bf_alice:0.5",
           "measure-6": "af_jessica:0.5+bf_isabella:0.5", "measure-7": "af_aoede:0.4+bf_isabella:0.6"}
"""Who says the English half of an announcement."""
