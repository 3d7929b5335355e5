"""``python -m arkserver.cli``."""

import sys

from arkserver.cli import main

sys.exit(main())
