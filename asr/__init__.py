"""Hearing: grammars, recognizer engines, voice activity, worker pool. Knows no plates, only grammars."""
