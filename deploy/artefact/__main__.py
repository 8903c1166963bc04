"""``python -m deploy.artefact``."""

import sys

from deploy.artefact.cli import main

sys.exit(main())
