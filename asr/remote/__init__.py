"""Recognizers on other machines, over a websocket, with the embedded one at hand."""
