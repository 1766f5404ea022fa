"""Which of Kokoro's voices are trained on: all but these."""

HELD_OUT = ("zf_xiaoyi", "zm_yunxi", "zm_yunyang", "af_bella", "am_michael", "bf_emma",
            "ff_siwis", "jm_kumo")
UNINTELLIGIBLE = ("zf_xiaoni", "jf_alpha", "af_nicole")
