"""What the parent of all test processes imports before the first one is forked, so that a start costs little. Imported there alone."""

import gc

# The test runner is every child's main module; the others are imported late by whoever needs them.
import Crypto.Cipher._mode_ctr
import eth_account
import eth_keyfile
import h11
import pytest
import uvicorn.lifespan.off
import uvicorn.loops.asyncio
import uvicorn.protocols.http.h11_impl

import guard.chain
import guard.web.connections
import tests.crash.api_main
import tests.crash.chain_main
import tests.crash.release_main
import tests.crash.signer_main
import tests.crash.worker_main
import tests.durability.mains  # noqa: F401

# A collection in a child would look at everything that is here, and copy the memory that it shares with its parent.
gc.collect()
gc.freeze()
