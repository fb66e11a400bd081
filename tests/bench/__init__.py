"""Measurements. Speed is reported here, side by side with a peer where there is one, and never asserted in a test."""
