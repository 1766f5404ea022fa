"""Measuring hearing: sets of recordings, runs, figures, false alarms, free speech, speed of streams, a trial."""
