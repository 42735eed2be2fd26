"""Import Pulumi's cloud SDKs from one thread at a time.

``importlib.util.LazyLoader`` loads their packages on first use. Before Python 3.12 it is not thread-safe: a package
that two threads load at the same time may stay empty. Runs in several threads of one process therefore take turns to
load packages (docs/adr/0035-use-cases.md).
"""

from __future__ import annotations

import threading

SDK_IMPORTS = threading.RLock()
