"""``python -m srcnn`` is the command ``srcnn``."""

from srcnn.cli import main

raise SystemExit(main())
