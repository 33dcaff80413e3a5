"""`python -m commonpool.live`: what the image runs. Settings come from the environment (`config.Settings`)."""

import asyncio
import logging
import sys

from commonpool.config import read_settings
from commonpool.errors import CommonpoolError
from commonpool.live.operator import run_operator

DEEPEST = 100_000
"""The apiserver takes objects nested 10,000 levels deep, and kopf decodes and copies each before we can refuse it (`kube.own`)."""


def main() -> int:
    """Run until a signal comes; 1 if something that cannot be waited for is wrong."""
    sys.setrecursionlimit(DEEPEST)
    settings = read_settings()
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING)
    try:
        asyncio.run(run_operator(settings))
    except CommonpoolError as error:
        logging.getLogger(__name__).critical("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
