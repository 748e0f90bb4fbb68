"""`python -m redpoll`."""

from __future__ import annotations

import sys

from redpoll.cli.main import main

sys.exit(main())
