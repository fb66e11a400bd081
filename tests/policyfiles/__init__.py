"""Tests of the room `policyfiles`."""
