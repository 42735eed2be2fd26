"""Importing Pulumi's SDKs of clouds from one thread at a time.

Their packages are filled when they are first used, by ``importlib.util.LazyLoader``, which before Python 3.12 is not
safe in threads: a package that two threads fill at once may stay empty. Runs in several threads of one process take
turns at what may fill one (docs/adr/0035-use-cases.md).
"""

from __future__ import annotations

import threading

SDK_IMPORTS = threading.RLock()
