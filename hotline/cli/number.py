"""An option that takes a number within limits."""

import math

import click


class Number(click.FloatRange):
    """As click's, but refuses ``nan``, which no limit refuses: it is neither below nor above one."""

    def convert(self, value, param, ctx):
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no number to reckon with.", param, ctx)
        return number
