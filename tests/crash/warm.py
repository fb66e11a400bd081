"""What the parent of all test processes imports before the first one is forked, so that a start costs little. Imported there alone."""

import gc
from importlib import import_module

WARMED = (
    # Every child's main module.
    "pytest",
    # What is otherwise imported late, by each child for itself.
    "Crypto.Cipher._mode_ctr",
    "eth_account",
    "eth_keyfile",
    "uvicorn.lifespan.off",
    "uvicorn.loops.asyncio",
    "uvicorn.protocols.http.h11_impl",
    "guard.chain",
    "guard.web.connections",
    "tests.crash.api_main",
    "tests.crash.chain_main",
    "tests.crash.release_main",
    "tests.crash.signer_main",
    "tests.crash.worker_main",
    "tests.durability.mains",
)

for _name in WARMED:
    import_module(_name)
# A collection in a child would look at everything that is here, and copy the memory that it shares with its parent.
gc.collect()
gc.freeze()
