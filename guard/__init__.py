"""Treasury Guard: stands between a proposed transfer and a signed one.

Holds the version and nothing else, so that importing any room costs only that room.
"""

__version__ = "0.1.0.dev0"
