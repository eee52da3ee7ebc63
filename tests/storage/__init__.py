"""The engines that keep rows and checkpoints: one suite for all of them, and what only one of them has."""
