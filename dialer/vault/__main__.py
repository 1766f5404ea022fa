"""`python -m dialer.vault`: see `dialer.vault.server`."""

import sys

from dialer.vault.server import main

sys.exit(main())
