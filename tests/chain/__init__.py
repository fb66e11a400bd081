"""Tests of the room `chain` and of the embedded chain."""
