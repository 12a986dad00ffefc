"""Test runs: the real delivery, stage by stage, with verdicts."""
