"""Makes `python -m guard` the same command as `guard`."""

import sys

from guard.app.main import main

if __name__ == "__main__":
    sys.exit(main())
