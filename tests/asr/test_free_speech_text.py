"""Whisper's tokens become simplified text without loops, and numbers are masked."""

import pytest

from asr.free_speech.text import masked, simplified, text_of, unlooped


@pytest.mark.parametrize("said, kept", [
    ("我的电话是幺三三三七零八零七八七", "我的电话是＊＊＊＊＊＊＊＊＊＊＊"),
    ("打13800138000", "打＊＊＊＊＊＊＊＊＊＊＊"),
    ("138 0013, 8000吧", "＊＊＊ ＊＊＊＊, ＊＊＊＊吧"),
    ("幺三八，零零幺三，八零零零", "＊＊＊，＊＊＊＊，＊＊＊＊"),
    ("１３８", "＊＊＊"),
    ("赣K12345堵住了", "赣K＊＊＊＊＊堵住了"),
    ("赣K A 1 B 2 3", "赣K A ＊ B ＊ ＊"),
    ("京A8F8", "京A＊F＊"),
    ("两三分钟以后", "两三分钟以后"),
    ("二十分钟", "二十分钟"),
    ("一个人堵在3号楼门口", "一个人堵在3号楼门口"),
    ("", ""),
])
def test_numbers_are_masked_and_small_counts_stay(said, kept):
    assert masked(said) == kept


def test_bytes_split_over_tokens_are_one_character_and_specials_are_left_out():
    assert text_of(["<|zh|>", "ä½łå¥½", "<|endoftext|>"]) == "你好"
    assert text_of(["ä½", "ł"]) == "你"
    assert text_of(["ä½łå¥½", "ä½"]) == "你好"          # cut off in a character


def test_traditional_characters_become_simplified():
    assert simplified("請把車開走，堵住了車庫門口") == "请把车开走，堵住了车库门口"


@pytest.mark.parametrize("said, kept", [
    ("谢谢观看谢谢观看谢谢观看谢谢观看谢谢观看谢谢观看", ""),
    ("啊啊啊啊啊啊啊啊啊啊啊啊啊啊啊啊", ""),
    ("有一辆车堵在小区门口，好好好好好", "有一辆车堵在小区门口，好"),
    ("八八八八八八", "八八八八八八"),
    ("等一下等一下", "等一下等一下"),
])
def test_what_is_said_over_and_over_is_no_text(said, kept):
    assert unlooped(said) == kept
