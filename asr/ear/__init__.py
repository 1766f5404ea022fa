"""The embedded recognizer's ear: audio to probabilities of units, by Whisper's encoder and a head behind it."""
