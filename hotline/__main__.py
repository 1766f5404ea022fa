"""`python -m hotline` is `ivr`."""

from hotline.cli import main

main()
